import type { IncomingHttpHeaders } from 'node:http';
import type { Choice, Policy } from '../policies/policy.ts';
import type { Slots } from '../state/slots.ts';
import { AnswerTail } from './answer-tail.ts';
import type { Outcome } from './outcome.ts';
import type { Target } from './target.ts';
import { verdictOf } from './verdict.ts';

/** What one choice holds until its call has ended: the worker's load, its breaker's and the policy's attention. */
export class Lease {
  readonly choice: Choice<Target>;
  readonly #policy: Policy;
  readonly #slots: Slots;
  /** The client wants the scores. */
  readonly #explain: boolean;
  readonly #startedMs = performance.now();
  readonly #ticket: number;
  /** Only where the policy wants to know. */
  readonly #tail: AnswerTail | undefined;
  #streams = false;
  #firstByteMs: number | undefined;

  /** Counts the choice. */
  constructor(choice: Choice<Target>, policy: Policy, slots: Slots, explain: boolean) {
    this.choice = choice;
    this.#explain = explain;
    this.#policy = policy;
    this.#slots = slots;
    if (policy.settled) this.#tail = new AnswerTail();
    slots.take(choice.candidate.slot);
    this.#ticket = choice.candidate.chosen();
  }

  /** Adds the headers that tell the client how its worker was chosen, as name, value, name, value … */
  describe(headers: string[]): void {
    const { candidate, matchedBytes, reason, scores } = this.choice;
    headers.push('x-sglang-router-worker', candidate.url, 'x-sglang-router-policy', this.#policy.name);
    headers.push('x-sglang-router-matched', String(matchedBytes));
    if (this.#explain && scores) headers.push('x-sglang-router-explain', JSON.stringify({ reason, scores }));
  }

  /** The answer is a stream of events; known with its head. */
  get streams(): boolean {
    return this.#streams;
  }

  head(headers: IncomingHttpHeaders): void {
    this.#streams = headers['content-type']?.startsWith('text/event-stream') ?? false;
  }

  /** Some bytes of the answer's body have come. */
  data(chunk: Buffer): void {
    this.#tail?.see(chunk);
    if (this.#firstByteMs !== undefined) return;
    this.#firstByteMs = performance.now() - this.#startedMs;
    this.#policy.firstByte?.(this.choice);
  }

  /** The call has ended, however it did; once. */
  settle(outcome: Outcome): void {
    const { candidate } = this.choice;
    this.#slots.give(candidate.slot);
    candidate.settled(verdictOf(outcome), this.#ticket);
    if (!this.#tail) return;
    const firstByteMs = this.#streams ? this.#firstByteMs : undefined;
    this.#policy.settled?.(this.choice, { firstByteMs, ...this.#tail.read() });
  }
}
