import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ObservedRequest } from '../observe.ts';

const NO_BODY = Buffer.alloc(0);

/** A wait, or a call to a worker. */
export interface Ongoing {
  /** Its client has left. */
  cancel(): void;
}

/** What goes with a request, whatever becomes of it. */
export interface Edge {
  readonly observed: ObservedRequest;
  /** Of its answer, a worker's or the router's own, as name, value, name, value … */
  readonly headers: readonly string[];
}

/** One client request on its way through the router, from its head to its settlement. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly observed: ObservedRequest;
  readonly headers: readonly string[];
  /** When its time is over, on the clock of `performance.now()`; set once it is admitted. */
  deadlineMs = Number.POSITIVE_INFINITY;
  /** The client's bytes as they came. */
  body: Buffer = NO_BODY;
  /** Set while a place among those in flight is held there. */
  admittedBy: { leave(exchange: Exchange): void } | undefined;
  /** What to cancel when the client leaves now. */
  ongoing: Ongoing | undefined;
  #gone = false;

  constructor(request: IncomingMessage, response: ServerResponse, { observed, headers }: Edge) {
    this.request = request;
    this.response = response;
    this.observed = observed;
    this.headers = headers;
    response.once('close', () => {
      if (response.writableFinished) return;
      this.#gone = true;
      this.ongoing?.cancel();
    });
  }

  /** The client closed its connection before it had the whole answer. */
  get gone(): boolean {
    return this.#gone;
  }

  /** The time that a request may take has run out. */
  get overdue(): boolean {
    return performance.now() >= this.deadlineMs;
  }

  /** Resolves after `ms`, or at once when the client leaves. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#gone) return resolve();
      const end = () => {
        clearTimeout(timer);
        this.ongoing = undefined;
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.ongoing = { cancel: end };
    });
  }
}
