import type { Reply } from '../../http/edge/reply.ts';
import { ReplyProgress } from '../../http/edge/reply-progress.ts';
import type { ToDataThread } from '../../link/threads/messages.ts';

/** Bytes that may be under way to the client's thread before the writer has to wait. */
const MOST_UNREAD_BYTES = 1024 * 1024;

/** The answer to a request whose client is connected to a data thread. */
export class ForwardedReply extends ReplyProgress implements Reply {
  readonly #number: number;
  readonly #send: (message: ToDataThread) => void;
  #unreadBytes = 0;
  #resume: (() => void) | undefined;

  constructor(number: number, send: (message: ToDataThread) => void) {
    super();
    this.#number = number;
    this.#send = send;
  }

  close(): void {
    this.#send({ kind: 'ownClose', request: this.#number });
  }

  override head(status: number, text: string | undefined, headers: readonly string[], length?: number): void {
    this.builtStatus = status;
    this.#send({ kind: 'ownHead', request: this.#number, status, text, headers: [...headers, ...this.extra], length });
  }

  tunnel(): void {
    throw new TypeError('expected no switch of protocols on a path of the router');
  }

  write(chunk: Buffer): boolean {
    if (chunk.length === 0 || this.hasEnded) return true;
    this.hasStarted = true;
    this.#unreadBytes += chunk.length;
    this.#send({ kind: 'ownWrite', request: this.#number, chunk });
    return this.#unreadBytes < MOST_UNREAD_BYTES;
  }

  override end(chunk?: Buffer): void {
    if (this.hasEnded) return;
    this.hasStarted = true;
    this.hasEnded = true;
    this.#send({ kind: 'ownEnd', request: this.#number, chunk });
  }

  cut(): void {
    this.hasEnded = true;
    this.#send({ kind: 'ownCut', request: this.#number });
  }

  whenDrained(resume: () => void): void {
    this.#resume = resume;
  }

  /** The client has taken what was written. */
  drained(): void {
    this.#unreadBytes = 0;
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }
}
