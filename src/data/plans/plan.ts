import type { Assignment, AttemptEnd } from '../../link/assignment.ts';
import type { Shape } from '../../link/scheduling.ts';
import type { Exchange } from '../exchange.ts';

/** How one request is brought to the servers that an attempt takes. */
export interface Plan {
  readonly shape: Shape;
  /** Sends it once; resolves when that has ended, however it did. Rejects with a RouterError for what no other attempt mends. */
  attempt(assignment: Assignment): Promise<AttemptEnd>;
}

/** Makes the plan of a request whose body has come. Throws RouterError for one that no server may be given. */
export type Planner = (exchange: Exchange) => Plan;
