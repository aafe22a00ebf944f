import type { ClientRequest } from '../http/edge/client-request.ts';
import type { Reply, ReplyWatcher } from '../http/edge/reply.ts';
import type { Endpoint } from '../http/endpoint.ts';
import type { Cancellable } from '../link/cancellable.ts';
import type { RoutingHints, ScheduledRequest } from '../link/scheduling.ts';
import type { Timeouts } from './deadlines.ts';

const NO_BODY = Buffer.alloc(0);
/** Smaller bodies are left to the garbage collection. */
const FREED_BYTES = 256 * 1024;

/** A request's body, the client's or one with fields of ours in it, until nobody can need it any more. */
export interface BodyHolder {
  readonly body: Buffer;
}

/** One client request and its answer on their way through the router. */
export class Exchange implements ReplyWatcher, BodyHolder {
  readonly request: ClientRequest;
  readonly reply: Reply;
  readonly endpoint: Endpoint;
  readonly scheduled: ScheduledRequest;
  /** Of its answer, a worker's or the router's own, as name, value, name, value … */
  readonly headers: readonly string[];
  readonly timeouts: Timeouts;
  /** A worker that has had it may be sent it again. */
  readonly isResendable: boolean;
  /** The client's bytes as they came; none once they were let go. */
  body: Buffer = NO_BODY;
  /** Bytes of the body, and of what its client sent through a tunnel. */
  requestBytes = 0;
  /** The worker that answers has all of it, so that nothing reads it any more once it is let go. */
  bodyIsSent = false;
  hints!: RoutingHints;
  /** What to cancel when the client leaves now. */
  ongoing: Cancellable | undefined;
  readonly #changed: { body: Buffer }[] = [];

  constructor(request: ClientRequest, reply: Reply, parts: ExchangeParts) {
    this.request = request;
    this.reply = reply;
    this.endpoint = parts.endpoint;
    this.scheduled = parts.scheduled;
    this.headers = parts.headers;
    this.timeouts = parts.timeouts;
    this.isResendable = parts.isResendable;
    reply.watch(this);
  }

  get id(): string {
    return this.scheduled.id;
  }

  /** The client closed its connection before it had the whole answer. */
  get gone(): boolean {
    return this.reply.gone;
  }

  /** Holds its body with fields of ours in it, as long as its own. */
  changed(body: Buffer): { body: Buffer } {
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
    this.scheduled.clientLeft();
  }
}

interface ExchangeParts {
  readonly endpoint: Endpoint;
  readonly scheduled: ScheduledRequest;
  readonly headers: readonly string[];
  readonly timeouts: Timeouts;
  readonly isResendable: boolean;
}

/** Gives a large body's memory back now: an idle router collects no garbage, and held 200 MB of 50 uploads for as long as their streams ran. */
function free(body: Buffer): void {
  const memory = body.buffer;
  if (body.length < FREED_BYTES || body.length !== memory.byteLength || !(memory instanceof ArrayBuffer)) return;
  memory.transfer(0);
}
