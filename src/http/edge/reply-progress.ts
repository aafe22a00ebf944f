import { expectSendable, type ReplyWatcher } from './reply.ts';

/** The progress of an answer, whichever HTTP it is sent in, and who is told of its end. */
export abstract class ReplyProgress {
  /** Headers to add to whatever answer is made, as name, value, name, value … */
  protected readonly extra: string[] = [];
  /** Status of the head that was built, sent or not. */
  protected builtStatus = 0;
  protected hasStarted = false;
  protected hasEnded = false;
  #gone = false;
  #watcher: ReplyWatcher | undefined;
  #whenFlushed: PromiseWithResolvers<void> | undefined;
  #flushed = false;

  /** Status of the head that was sent; 0 before. */
  get status(): number {
    return this.hasStarted ? this.builtStatus : 0;
  }

  /** Whether a byte of it may have reached the client. */
  get started(): boolean {
    return this.hasStarted;
  }

  /** Whether the answer is complete or cut. */
  get ended(): boolean {
    return this.hasEnded;
  }

  /** Whether the client left before it had the whole answer. */
  get gone(): boolean {
    return this.#gone;
  }

  /** Adds a header, its name in lower case, to the answer that will be made. */
  setHeader(name: string, value: string): void {
    expectSendable(name, value);
    this.extra.push(name, value);
  }

  abstract head(status: number, text: string | undefined, headers: readonly string[], length?: number): void;
  abstract end(chunk?: Buffer): void;

  /** Sends a whole answer. */
  send(status: number, contentType: string, body: Buffer): void {
    this.head(status, undefined, ['content-type', contentType], body.length);
    this.end(body);
  }

  /** Sets who is told when the client leaves. */
  watch(watcher: ReplyWatcher): void {
    this.#watcher = watcher;
  }

  /** Resolves when the connection has taken every byte of the answer, or is closed. */
  flushed(): Promise<void> | undefined {
    if (this.#flushed) return undefined;
    this.#whenFlushed ??= Promise.withResolvers<void>();
    return this.#whenFlushed.promise;
  }

  /** Called by the connection when the last byte has left. */
  flush(): void {
    this.#flushed = true;
    this.#whenFlushed?.resolve();
  }

  /** Called by the connection when it closed before that. */
  lose(): void {
    if (this.#flushed) return;
    this.#gone = true;
    this.hasEnded = true;
    this.flush();
    this.#watcher?.clientLeft();
  }
}
