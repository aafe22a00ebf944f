import { freeBytes } from '../http/edge/body-memory.ts';
import type { ClientRequest } from '../http/edge/client-request.ts';
import type { Reply, ReplyWatcher } from '../http/edge/reply.ts';
import type { Endpoint } from '../http/endpoint.ts';
import type { Cancellable } from '../link/cancellable.ts';
import type { RoutingHints, ScheduledRequest } from '../link/scheduling.ts';
import type { Timeouts } from './deadlines.ts';

const NO_BODY = Buffer.alloc(0);

/** Holds a body, the client's or one with the router's fields in it, until nobody needs it. */
export interface BodyHolder {
  readonly body: Buffer;
}

/** One client request and its answer on their way through the router. */
export class Exchange implements ReplyWatcher, BodyHolder {
  readonly request: ClientRequest;
  readonly reply: Reply;
  readonly endpoint: Endpoint;
  readonly scheduled: ScheduledRequest;
  /** Headers for its answer, whoever makes it, as name, value, name, value … */
  readonly headers: readonly string[];
  readonly timeouts: Timeouts;
  /** Whether a worker that has seen the request may be sent it again. */
  readonly isResendable: boolean;
  /** The client's bytes as they came; empty once let go. */
  body: Buffer = NO_BODY;
  /** Bytes of the body, and of what its client sent through a tunnel. */
  requestBytes = 0;
  /** The answering worker has read the whole body, so its memory may be freed. */
  bodyIsSent = false;
  hints!: RoutingHints;
  /** What to cancel if the client leaves now. */
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

  /** Holds a changed body for as long as the client's own. */
  changed(body: Buffer): { body: Buffer } {
    const holder = { body };
    this.#changed.push(holder);
    return holder;
  }

  /** Releases the bodies once an answer has begun, as nothing is sent again. */
  letBodyGo(): void {
    if (this.bodyIsSent) freeBytes(this.body);
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
