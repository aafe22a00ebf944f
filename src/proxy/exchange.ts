import type { IncomingMessage, ServerResponse } from 'node:http';

const NO_BODY = Buffer.alloc(0);

/** One client request on its way through the router, from its head to its settlement. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly startedMs = performance.now();
  /** The client's bytes as they came. */
  body: Buffer = NO_BODY;
  /** Gives the admission slot back; set while one is held. */
  leave: (() => void) | undefined;
  /** What to undo when the client leaves now: wait in the queue, or a call to a worker. */
  onGone: (() => void) | undefined;
  #gone = false;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.request = request;
    this.response = response;
    response.once('close', () => {
      if (response.writableFinished) return;
      this.#gone = true;
      this.onGone?.();
    });
  }

  /** The client closed its connection before it had the whole answer. */
  get gone(): boolean {
    return this.#gone;
  }
}
