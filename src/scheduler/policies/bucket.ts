import { chosen, scoresOf } from './choice.ts';
import { LengthBuckets } from './length-buckets.ts';
import { leastOf } from './pick.ts';
import type { Candidate, Choice, Hints, Now, Policy, Random } from './policy.ts';

export interface BucketOptions {
  readonly bucketAdjustIntervalMs: number;
  readonly balanceAbsThreshold: number;
  readonly balanceRelThreshold: number;
}

/** Sends prompts of similar length to one worker, so that short ones do not wait behind long ones; meant for prefill servers. */
export class BucketPolicy implements Policy {
  readonly name = 'bucket';
  readonly reads = 'head';
  readonly #options: BucketOptions;
  readonly #random: Random;
  readonly #buckets: LengthBuckets;
  /** By slot: bytes of prompts sent there that wait for their first byte. */
  readonly #pending: number[] = [];
  readonly #bytesOf = new WeakMap<Choice, number>();

  constructor(options: BucketOptions, random: Random = Math.random, now: Now = () => performance.now()) {
    this.#options = options;
    this.#random = random;
    this.#buckets = new LengthBuckets(options.bucketAdjustIntervalMs, now);
  }

  pick<C extends Candidate>(candidates: readonly C[], { prompt }: Hints, explain = false): Choice<C> {
    const bytes = prompt?.length ?? 0;
    const pendingOf = (candidate: C) => this.#pendingOf(candidate);
    const [first, last] = this.#buckets.rangeOf(bytes, candidates.length);
    const imbalanced = this.#imbalanced(candidates);
    const eligible = imbalanced ? candidates : candidates.slice(first, last + 1);
    const candidate = leastOf(eligible, this.#random, pendingOf);
    const scores = explain ? scoresOf(candidates, (one) => ({ pendingBytes: pendingOf(one) })) : undefined;
    const choice = chosen(candidate, imbalanced ? 'imbalanced' : 'length', scores);
    this.#buckets.add(bytes);
    this.#bytesOf.set(choice, bytes);
    this.#pending[candidate.slot] = pendingOf(candidate) + bytes;
    return choice;
  }

  firstByte(choice: Choice): void {
    this.#done(choice);
  }

  settled(choice: Choice): void {
    this.#done(choice);
  }

  #done(choice: Choice): void {
    const bytes = this.#bytesOf.get(choice) ?? 0;
    this.#bytesOf.delete(choice);
    this.#pending[choice.candidate.slot] = this.#pendingOf(choice.candidate) - bytes;
  }

  /** The thresholds count requests; here a request stands for a prompt of average length, as work is balanced. */
  #imbalanced(candidates: readonly Candidate[]): boolean {
    let lowest = Number.POSITIVE_INFINITY;
    let highest = 0;
    for (const candidate of candidates) {
      const pending = this.#pendingOf(candidate);
      if (pending < lowest) lowest = pending;
      if (pending > highest) highest = pending;
    }
    const { balanceAbsThreshold, balanceRelThreshold } = this.#options;
    return highest - lowest > balanceAbsThreshold * this.#buckets.mean && highest > balanceRelThreshold * lowest;
  }

  #pendingOf({ slot }: Candidate): number {
    return this.#pending[slot] ?? 0;
  }
}
