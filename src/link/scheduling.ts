import type { IncomingHttpHeaders } from 'node:http';
import type { RouterError } from '../errors/errors.ts';
import type { Found } from '../http/endpoints.ts';
import type { Hints } from '../scheduler/policies/policy.ts';
import type { Assignment, AttemptEnd } from './assignment.ts';

/** Which servers an attempt takes: one that does all, a decode server alone, both at once, or a decode server after the prefill server has answered. */
export type Shape = 'regular' | 'decode' | 'pair' | 'sequence';

/** What routing reads of a request. */
export interface RoutingHints extends Hints {
  /** As the client names it; undefined where it does not. */
  readonly model: string | undefined;
  /** The text in a field of the body, or in the field `id` of the object there. */
  idIn(field: string): string | undefined;
}

/** What the scheduler has to know of a request to find workers for it. */
export interface RequestFacts {
  readonly found: Found;
  readonly shape: Shape;
  /** It waits its turn, and for a worker; else it is answered at once, one way or the other. */
  readonly admitted: boolean;
  /** It must say for which of several models it is. */
  readonly ofModel: boolean;
  /** It may be tried again once a worker has seen it. */
  readonly repeatable: boolean;
  /** Its connection was there before the router began to leave. */
  readonly last: boolean;
  /** The client wants the scores. */
  readonly explains: boolean;
  /** The client's key, for workers that have none of their own. */
  readonly authorization: string | undefined;
  readonly bodyBytes: number;
  readonly hints: RoutingHints;
}

/** The head of a request. */
export interface RequestHead {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** How a request ended, for metrics and the log. */
export interface RequestEnd {
  /** HTTP status that was sent; 0 when none was. */
  readonly status: number;
  readonly clientLeft: boolean;
  /** Bytes of its body, and of what its client sent through a tunnel. */
  readonly requestBytes: number;
  /** Code of the error that the router answered. */
  readonly errorCode: string | undefined;
  /** A probe, a scrape or another question that the router answers itself and that changes nothing. */
  readonly isRoutine: boolean;
}

/** One request as the scheduler has it. */
export interface ScheduledRequest {
  readonly id: string;
  /**
   * Admits it, and chooses who is asked first. Undefined when the client has left meanwhile. Rejects with RouterError where the request
   * cannot be served.
   */
  assign(facts: RequestFacts): Promise<Assignment | undefined>;
  /** An attempt has ended: who is asked next, after the wait that is due. Undefined when its answer is the client's. Rejects with what the client is told. */
  again(end: AttemptEnd): Promise<Assignment | undefined>;
  /** It was answered by so many workers together, asked all at once; `model` where it was for one of several. */
  toldAll(model: string | undefined, workers: number): void;
  /** The client has left: what the request waits for is not waited for any more. */
  clientLeft(): void;
  /** Its answer is made: its place is another's. */
  leave(): void;
  /** The client has all of its answer, or will not have it. Once. */
  end(end: RequestEnd): void;
}

/** Where another thread has begun a request: the id that it has, and when that was on the clock of `performance.now()`. */
export interface BegunElsewhere {
  readonly id: string;
  readonly startedMs: number;
}

/** The scheduler, as who moves a request's bytes sees it. */
export interface Scheduling {
  /** Why nothing new is served; undefined when open. */
  readonly closed: RouterError | undefined;
  /** Workers serve several models, so that a request's own counts where prompts are compared. */
  readonly severalModels: boolean;
  /** A request came. `isServed`: it keeps the router busy until its end, as those do not that it answers about itself. */
  begin(head: RequestHead, isServed: boolean, elsewhere?: BegunElsewhere): ScheduledRequest;
}

/** A request whose path was looked up. */
export interface BegunRequest {
  readonly found: Found;
  readonly scheduled: ScheduledRequest;
  /** Of its answer, a worker's or the router's own, as name, value, name, value … */
  readonly headers: readonly string[];
}
