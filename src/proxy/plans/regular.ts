import type { Log } from '../../log.ts';
import type { Hints, Policy } from '../../policies/policy.ts';
import type { Slots } from '../../state/slots.ts';
import { choose, type Targets } from '../choose.ts';
import type { Timeouts } from '../deadlines.ts';
import { dispatch } from '../dispatch.ts';
import type { Exchange } from '../exchange.ts';
import { asksToExplain, explain } from '../explain.ts';
import { isStale, isUnreachable } from '../failure.ts';
import { Lease } from '../lease.ts';
import { GONE, type Outcome } from '../outcome.ts';
import type { Tries } from '../retry.ts';
import type { Attempt, Plan } from './plan.ts';

/** Connections that a worker may have closed just then, one after another. */
const MOST_STALE = 3;

export interface RegularPlanParts {
  readonly targets: Targets;
  readonly policy: Policy;
  readonly slots: Slots;
  readonly timeouts: Timeouts;
  readonly log: Log;
}

/** One worker answers the whole request. */
export class RegularPlan implements Plan {
  readonly #parts: RegularPlanParts;

  constructor(parts: RegularPlanParts) {
    this.#parts = parts;
  }

  get ready(): boolean {
    const { targets } = this.#parts;
    return targets.available().length > 0 || targets.lastResort().length > 0;
  }

  hasUntried({ tried }: Tries): boolean {
    const available = this.#parts.targets.available();
    const candidates = available.length > 0 ? available : this.#parts.targets.lastResort();
    return candidates.some((target) => !tried.includes(target));
  }

  async attempt(exchange: Exchange, hints: Hints, tries: Tries): Promise<Attempt> {
    const { targets, policy, slots, log } = this.#parts;
    const asked = asksToExplain(exchange.request);
    const choice = choose(policy, targets, tries.tried, hints, asked || log.debugEnabled);
    const target = choice.candidate;
    explain(choice, policy, log);
    tries.tried.push(target);
    const outcome = await this.#call(new Lease(choice, policy, slots, asked), exchange, hints, tries);
    if (outcome.kind === 'failed' && isUnreachable(outcome)) target.unreachable(outcome.error.message);
    return { outcome, targets: [target] };
  }

  /** Calls the worker of the lease, again at once where a connection was only found to be closed. */
  async #call(lease: Lease, exchange: Exchange, hints: Hints, tries: Tries): Promise<Outcome> {
    let outcome: Outcome = GONE;
    try {
      for (let calls = 0; calls <= MOST_STALE; calls++) {
        const called = await dispatch(lease, exchange, hints, tries, this.#parts.timeouts);
        outcome = called.outcome;
        if (outcome.kind !== 'failed' || !isStale(outcome, called.answerBegan)) break;
      }
    } finally {
      lease.settle(outcome);
    }
    return outcome;
  }
}
