import type { Assignment, AttemptEnd } from '../../link/assignment.ts';
import type { Shape } from '../../link/scheduling.ts';
import type { Exchange } from '../exchange.ts';

/** How one request is sent to the servers of an attempt. */
export interface Plan {
  readonly shape: Shape;
  /** Makes one attempt; resolves when it has ended, however it did. Rejects with a RouterError for what no retry can fix. */
  attempt(assignment: Assignment): Promise<AttemptEnd>;
}

/** Makes the plan for a request whose body has come. Throws RouterError for a request that no server may get. */
export type Planner = (exchange: Exchange) => Plan;
