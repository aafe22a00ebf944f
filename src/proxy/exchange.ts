import type { IncomingMessage, ServerResponse } from 'node:http';

const NO_BODY = Buffer.alloc(0);

/** One client request on its way through the router, from its head to its settlement. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly startedMs = performance.now();
  /** When its time is over, on the clock of `performance.now()`; set once it is admitted. */
  deadlineMs = Number.POSITIVE_INFINITY;
  /** The client's bytes as they came. */
  body: Buffer = NO_BODY;
  /** Gives the admission slot back; set while one is held. */
  leave: (() => void) | undefined;
  /** What to undo when the client leaves now: a wait, or a call to a worker. */
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
        this.onGone = undefined;
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.onGone = end;
    });
  }
}
