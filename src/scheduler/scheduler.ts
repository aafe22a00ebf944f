import type { RouterError } from '../errors/errors.ts';
import type { BegunElsewhere, RequestLineAndHeaders, Scheduling } from '../link/scheduling.ts';
import { FailureLog } from './failure-log.ts';
import type { Random } from './policies/policy.ts';
import { RetryBudget } from './retry-budget.ts';
import { ScheduledRequest } from './scheduled-request.ts';
import type { SchedulerContext, SchedulerParts } from './scheduler-context.ts';
import { SearchLine } from './stored/search-line.ts';
import { Suspects } from './suspects.ts';

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
      line: new SearchLine(),
      random,
    };
  }

  get closed(): RouterError | undefined {
    return this.#context.admission.closed;
  }

  get severalModels(): boolean {
    return this.#context.models.several;
  }

  begin(head: RequestLineAndHeaders, isServed: boolean, elsewhere?: BegunElsewhere): ScheduledRequest {
    const observed = this.#context.observer.begin(head, elsewhere);
    if (!isServed) return new ScheduledRequest(this.#context, observed);
    this.#serving++;
    return new ScheduledRequest(this.#context, observed, this);
  }

  /** Number of served requests that have not ended. */
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
