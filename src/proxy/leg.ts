import type { Log } from '../log.ts';
import type { Hints, Policy } from '../policies/policy.ts';
import type { Slots } from '../state/slots.ts';
import { choose, type Targets } from './choose.ts';
import type { Timeouts } from './deadlines.ts';
import { type Dispatched, dispatch } from './dispatch.ts';
import type { Exchange } from './exchange.ts';
import { asksToExplain, explain } from './explain.ts';
import { isStale, isUnreachable } from './failure.ts';
import { Lease } from './lease.ts';
import { GONE, type Outcome } from './outcome.ts';
import type { Tries } from './retry.ts';
import type { Sink } from './sink.ts';
import type { Target } from './target.ts';

/** Connections that a worker may have closed just then, one after another. */
const MOST_STALE = 3;

/** Those who may be asked, and who chooses among them. */
export interface Pool {
  readonly targets: Targets;
  readonly policy: Policy;
}

export interface LegParts {
  readonly slots: Slots;
  readonly timeouts: Timeouts;
  readonly log: Log;
}

/** A request as a plan is given it. */
export interface Asked {
  readonly exchange: Exchange;
  readonly hints: Hints;
  readonly tries: Tries;
}

/** One worker's part in an attempt, from the choice to the end of its call. */
export class Leg {
  readonly lease: Lease;
  readonly #asked: Asked;
  readonly #timeouts: Timeouts;
  #call: Dispatched | undefined;
  #ended: Outcome | undefined;

  /** Chooses a worker; whom this request has asked before only when nobody else is left. */
  constructor({ targets, policy }: Pool, asked: Asked, { slots, timeouts, log }: LegParts) {
    const { exchange, hints, tries } = asked;
    const wantsScores = asksToExplain(exchange.request);
    const choice = choose(policy, targets, tries.tried, hints, wantsScores || log.debugEnabled);
    explain(choice, policy, log);
    tries.tried.push(choice.candidate);
    this.lease = new Lease(choice, policy, slots, wantsScores);
    this.#asked = asked;
    this.#timeouts = timeouts;
  }

  get target(): Target {
    return this.lease.choice.candidate;
  }

  /** Sends it, again at once where a connection was only found to be closed; resolves when that has ended, however it did. */
  async send(body: Buffer, sink: Sink): Promise<Outcome> {
    let outcome = this.#ended ?? GONE;
    try {
      for (let calls = 0; calls <= MOST_STALE && !this.#ended; calls++) {
        this.#call = dispatch({ lease: this.lease, body, sink, timeouts: this.#timeouts, ...this.#asked });
        const called = await this.#call.called;
        outcome = called.outcome;
        if (outcome.kind !== 'failed' || !isStale(outcome, called.answerBegan)) break;
      }
    } finally {
      this.lease.settle(outcome);
    }
    if (outcome.kind === 'failed' && isUnreachable(outcome)) this.target.unreachable(outcome.error.message);
    return outcome;
  }

  /** Ends it now: nobody wants the answer any more. */
  cancel(): void {
    this.#ended = GONE;
    this.#call?.end(GONE);
  }
}

/** Whether anybody of a pool may be asked. */
export function isReady({ targets }: Pool): boolean {
  return targets.available().length > 0 || targets.lastResort().length > 0;
}

/** Whether somebody of a pool may be asked who has not been asked yet. */
export function hasUntried({ targets }: Pool, tried: readonly Target[]): boolean {
  const available = targets.available();
  const candidates = available.length > 0 ? available : targets.lastResort();
  return candidates.some((target) => !tried.includes(target));
}
