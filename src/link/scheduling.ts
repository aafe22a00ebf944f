import type { IncomingHttpHeaders } from 'node:http';
import type { RouterError } from '../errors/errors.ts';
import type { Found } from '../http/endpoints.ts';
import type { Hints } from '../scheduler/policies/policy.ts';
import type { Assignment, AttemptEnd } from './assignment.ts';

/** Servers of an attempt: a regular one, a decode server alone, prefill and decode at once, or decode after prefill has answered. */
export type Shape = 'regular' | 'decode' | 'pair' | 'sequence';

/** What routing reads of a request. */
export interface RoutingHints extends Hints {
  /** The model that the client names; undefined if none. */
  readonly model: string | undefined;
  /** The text of a body field, or of `id` in the object there. */
  idIn(field: string): string | undefined;
}

/** What the scheduler needs to know of a request to choose its workers. */
export interface RequestFacts {
  readonly found: Found;
  readonly shape: Shape;
  /** The request may wait in the queue; otherwise it is served or refused at once. */
  readonly admitted: boolean;
  /** The request must name its model when workers serve several. */
  readonly ofModel: boolean;
  /** The request may be retried after a worker has seen it. */
  readonly repeatable: boolean;
  /** The client connected before the router began to shut down. */
  readonly last: boolean;
  /** The client asked for the candidates' scores. */
  readonly explains: boolean;
  /** The client's key, used for workers without a configured key. */
  readonly authorization: string | undefined;
  readonly bodyBytes: number;
  readonly hints: RoutingHints;
}

/** The head of a request. */
export interface RequestLineAndHeaders {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** How a request ended, for metrics and the log. */
export interface RequestEnd {
  /** HTTP status that was sent; 0 when none was. */
  readonly status: number;
  readonly clientLeft: boolean;
  /** Bytes of the body and of what the client sent through a tunnel. */
  readonly requestBytes: number;
  /** Code of the error that the router answered. */
  readonly errorCode: string | undefined;
  /** A probe, scrape or other read-only request that the router answers itself. */
  readonly isRoutine: boolean;
}

/** One request as the scheduler has it. */
export interface ScheduledRequest {
  readonly id: string;
  /** Rejects with RouterError where the request would not be admitted if its body had come; `last` as in RequestFacts. */
  checkRoom(last: boolean): Promise<void>;
  /** Admits the request and chooses its first worker. Undefined when the client has left; rejects with RouterError where it cannot be served. */
  assign(facts: RequestFacts): Promise<Assignment | undefined>;
  /** Resolves, after any back-off, with the next assignment; undefined when the ended attempt's answer is final. Rejects with the client's error. */
  again(end: AttemptEnd): Promise<Assignment | undefined>;
  /** Notes that `workers` were asked all at once, for `model` if the request named one. */
  toldAll(model: string | undefined, workers: number): void;
  /** The client has left: ends whatever the request waits for. */
  clientLeft(): void;
  /** The answer is made: frees the request's place for another. */
  leave(): void;
  /** The client has all of its answer, or never will; called once. */
  end(end: RequestEnd): void;
}

/** Id and start, by `performance.now()`, of a request that another thread has begun. */
export interface BegunElsewhere {
  readonly id: string;
  readonly startedMs: number;
}

/** The scheduler as the data path sees it. */
export interface Scheduling {
  /** Why new requests are refused; undefined while open. */
  readonly closed: RouterError | undefined;
  /** Workers serve several models, so prompts of different models must not be compared. */
  readonly severalModels: boolean;
  /** Begins a request. `isServed` is false for questions about the router itself, which do not count as work. */
  begin(head: RequestLineAndHeaders, isServed: boolean, elsewhere?: BegunElsewhere): ScheduledRequest;
}

/** A request whose path was looked up. */
export interface BegunRequest {
  readonly found: Found;
  readonly scheduled: ScheduledRequest;
  /** Headers for its answer, whoever makes it, as name, value, name, value … */
  readonly headers: readonly string[];
}
