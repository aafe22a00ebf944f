import type { ClientRequest } from '../http/edge/client-request.ts';
import type { Reply, ReplyWatcher } from '../http/edge/reply.ts';
import type { ObservedRequest } from '../observe/observer.ts';

const NO_BODY = Buffer.alloc(0);
/** Smaller bodies are left to the garbage collection. */
const FREED_BYTES = 256 * 1024;

/** A wait, or a call to a worker. */
export interface Ongoing {
  /** Its client has left. */
  cancel(): void;
}

/** A request's body, the client's or one with fields of ours in it, until nobody can need it any more. */
export interface BodyHolder {
  readonly body: Buffer;
}

/** What goes with a request, whatever becomes of it. */
export interface Edge {
  readonly observed: ObservedRequest;
  /** Of its answer, a worker's or the router's own, as name, value, name, value … */
  readonly headers: readonly string[];
}

/** One client request on its way through the router, from its head to its settlement. */
export class Exchange implements ReplyWatcher, BodyHolder {
  readonly request: ClientRequest;
  readonly reply: Reply;
  readonly observed: ObservedRequest;
  readonly headers: readonly string[];
  /** When its time is over, on the clock of `performance.now()`; set once it is admitted. */
  deadlineMs = Number.POSITIVE_INFINITY;
  /** The client's bytes as they came; none once they were let go. */
  body: Buffer = NO_BODY;
  /** The worker that answers has all of it, so that nothing reads it any more once it is let go. */
  bodyIsSent = false;
  readonly #changed: { body: Buffer }[] = [];
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

  /** Holds its body with fields of ours in it, as long as its own. */
  changed(body: Buffer): BodyHolder {
    const holder = { body };
    this.#changed.push(holder);
    return holder;
  }

  /** An answer has begun, so nothing is sent again: its body is not held on. */
  letBodyGo(): void {
    if (this.bodyIsSent) free(this.body);
    this.body = NO_BODY;
    for (const holder of this.#changed) holder.body = NO_BODY;
    this.request.release();
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

/** Gives a large body's memory back now: an idle router collects no garbage, and held 200 MB of 50 uploads for as long as their streams ran. */
function free(body: Buffer): void {
  const memory = body.buffer;
  if (body.length < FREED_BYTES || body.length !== memory.byteLength || !(memory instanceof ArrayBuffer)) return;
  memory.transfer(0);
}
