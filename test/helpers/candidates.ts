import type { Candidate, Hints, Result } from '../../src/scheduler/policies/policy.ts';

/** A worker as policies see it, with a load that a test may set. */
export interface TestWorker extends Candidate {
  load: number;
}

/** So many idle workers, `http://w0` on slot 0 and so on. */
export function workersOf(count: number): TestWorker[] {
  return Array.from({ length: count }, (_, slot) => ({ url: `http://w${slot}`, slot, load: 0 }));
}

/** A request that says nothing. */
export const NO_HINTS: Hints = { prompt: undefined, key: undefined };

/** The hints of a request with this prompt, and this key if any. */
export function asking(prompt: string, key?: string): Hints {
  return { prompt: Buffer.from(prompt), key };
}

/** A request in its session, with a prompt that is like no other from its first byte on. */
export function conversation(n: number): Hints {
  return asking(`${n} is the number of this conversation. `.repeat(20), `session-${n}`);
}

/** How a request ended that was answered, and one that was not. */
export const ANSWERED: Result = { firstByteMs: 20, promptTokens: 200, cachedTokens: 0 };
export const ABORTED: Result = { firstByteMs: undefined, promptTokens: undefined, cachedTokens: undefined };
