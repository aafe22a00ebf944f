import type { ClientRequest } from '../http/edge/client-request.ts';
import type { Reply, ReplyWatcher } from '../http/edge/reply.ts';
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
export class Exchange implements ReplyWatcher {
  readonly request: ClientRequest;
  readonly reply: Reply;
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

  constructor(request: ClientRequest, reply: Reply, { observed, headers }: Edge) {
    this.request = request;
    this.reply = reply;
    this.observed = observed;
    this.headers = headers;
    reply.watch(this);
  }

  /** The client closed its connection before it had the whole answer. */
  get gone(): boolean {
    return this.reply.gone;
  }

  clientLeft(): void {
    this.ongoing?.cancel();
  }

  /** The time that a request may take has run out. */
  get overdue(): boolean {
    return performance.now() >= this.deadlineMs;
  }

  /** Resolves after `ms`, or at once when the client leaves. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.gone) return resolve();
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
