import type { WorkerClient } from '../http/client.ts';
import type { Candidate } from '../policies/policy.ts';

/** A worker as the data path sees it. */
export interface Target extends Candidate {
  /** Put before every request path; '' as a rule. */
  readonly basePath: string;
  readonly slot: number;
  readonly client: WorkerClient;
  /** Told when a request could not be sent to it. */
  unreachable(problem: string): void;
}
