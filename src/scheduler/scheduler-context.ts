import type { Slots } from '../fleet/slots.ts';
import type { WorkerServer } from '../http/upstream/worker-server.ts';
import type { Log } from '../observe/log/log.ts';
import type { Observer } from '../observe/observer.ts';
import type { Admission, Readiness } from './admission.ts';
import type { FailureLog } from './failure-log.ts';
import type { Models } from './models.ts';
import type { Random } from './policies/policy.ts';
import type { Pools } from './pools.ts';
import type { RetryOptions } from './retry.ts';
import type { RetryBudget } from './retry-budget.ts';
import type { Owners } from './stored/owners.ts';
import type { SearchLine } from './stored/search-line.ts';
import type { Suspects } from './suspects.ts';

interface SchedulerOptions extends RetryOptions {
  readonly requestTimeoutMs: number;
}

export interface SchedulerParts {
  readonly options: SchedulerOptions;
  readonly pools: Pools;
  readonly slots: Slots;
  readonly readiness: Readiness;
  readonly admission: Admission;
  readonly models: Models;
  /** `up` tells the servers that may be asked what they store: those that are up, ready or not. */
  readonly servers: { up(): readonly WorkerServer[] };
  readonly owners: Owners;
  readonly observer: Observer;
  readonly log: Log;
}

/** What all requests share. */
export interface SchedulerContext extends SchedulerParts {
  readonly budget: RetryBudget;
  readonly suspects: Suspects;
  readonly failures: FailureLog;
  /** Where searches for owners wait. */
  readonly line: SearchLine;
  readonly random: Random;
}
