import type { RouterError } from '../errors/errors.ts';
import type { Slots } from '../fleet/slots.ts';
import type { BegunElsewhere, RequestHead, Scheduling } from '../link/scheduling.ts';
import type { Log } from '../observe/log/log.ts';
import type { Observer } from '../observe/observer.ts';
import type { Admission, Readiness } from './admission.ts';
import { FailureLog } from './failure-log.ts';
import type { Fleet } from './fleet.ts';
import type { Keepers } from './kept/keepers.ts';
import type { Models } from './models.ts';
import type { Random } from './policies/policy.ts';
import type { Pools } from './pools.ts';
import type { RetryOptions } from './retry.ts';
import { RetryBudget } from './retry-budget.ts';
import { ScheduledRequest } from './scheduled-request.ts';
import { Suspects } from './suspects.ts';

export interface SchedulerOptions extends RetryOptions {
  readonly requestTimeoutMs: number;
}

export interface SchedulerParts {
  readonly options: SchedulerOptions;
  readonly pools: Pools;
  readonly slots: Slots;
  readonly readiness: Readiness;
  readonly admission: Admission;
  readonly models: Models;
  readonly fleet: Fleet;
  readonly keepers: Keepers;
  readonly observer: Observer;
  readonly log: Log;
}

/** What all requests share. */
export interface SchedulerContext extends SchedulerParts {
  readonly budget: RetryBudget;
  readonly suspects: Suspects;
  readonly failures: FailureLog;
  readonly random: Random;
}

/** Decides for all requests together: who comes in, which worker is asked, who is asked again. Moves no bytes. */
export class Scheduler implements Scheduling {
  readonly #context: SchedulerContext;
  #serving = 0;
  #idle: (() => void) | undefined;

  constructor(parts: SchedulerParts, random: Random = Math.random) {
    this.#context = {
      ...parts,
      budget: new RetryBudget(),
      suspects: new Suspects(),
      failures: new FailureLog(parts.log),
      random,
    };
  }

  get closed(): RouterError | undefined {
    return this.#context.admission.closed;
  }

  get severalModels(): boolean {
    return this.#context.models.several;
  }

  begin(head: RequestHead, isServed: boolean, elsewhere?: BegunElsewhere): ScheduledRequest {
    const observed = this.#context.observer.begin(head, elsewhere);
    if (!isServed) return new ScheduledRequest(this.#context, observed);
    this.#serving++;
    return new ScheduledRequest(this.#context, observed, this);
  }

  /** Requests that have not ended. */
  get serving(): number {
    return this.#serving;
  }

  /** A request that was served has ended. */
  served(): void {
    if (--this.#serving === 0) this.#idle?.();
  }

  /** Resolves when no request is served, or when that takes longer than `withinMs`. */
  async whenIdle(withinMs: number): Promise<void> {
    if (this.#serving === 0) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
      timer = setTimeout(resolve, withinMs);
    });
    clearTimeout(timer);
  }
}
