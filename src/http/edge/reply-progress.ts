import { expectSendable, type ReplyWatcher } from './reply.ts';

/** How far an answer has come, whichever HTTP it is sent in, and who is told of its end. */
export abstract class ReplyProgress {
  /** Name, value, name, value …; for whatever answer is made. */
  protected readonly extra: string[] = [];
  /** Of the head that was built, sent or not. */
  protected builtStatus = 0;
  protected hasStarted = false;
  protected hasEnded = false;
  #gone = false;
  #watcher: ReplyWatcher | undefined;
  #whenFlushed: PromiseWithResolvers<void> | undefined;
  #flushed = false;

  /** Of the head that was sent; 0 before. */
  get status(): number {
    return this.hasStarted ? this.builtStatus : 0;
  }

  /** Whether a byte of it may have reached the client. */
  get started(): boolean {
    return this.hasStarted;
  }

  /** All of it was handed over, or nothing more can be. */
  get ended(): boolean {
    return this.hasEnded;
  }

  /** The client left before it had the whole answer. */
  get gone(): boolean {
    return this.#gone;
  }

  /** Adds a header to the answer that will be made; names in lower case. */
  setHeader(name: string, value: string): void {
    expectSendable(name, value);
    this.extra.push(name, value);
  }

  abstract head(status: number, text: string | undefined, headers: readonly string[], length?: number): void;
  abstract end(chunk?: Buffer): void;

  /** A whole answer. */
  send(status: number, contentType: string, body: Buffer): void {
    this.head(status, undefined, ['content-type', contentType], body.length);
    this.end(body);
  }

  /** Who is told when the client leaves. */
  watch(watcher: ReplyWatcher): void {
    this.#watcher = watcher;
  }

  /** Resolves when the connection has taken every byte of it, or is gone. */
  flushed(): Promise<void> | undefined {
    if (this.#flushed) return undefined;
    this.#whenFlushed ??= Promise.withResolvers<void>();
    return this.#whenFlushed.promise;
  }

  /** For the connection: the last byte has left. */
  flush(): void {
    this.#flushed = true;
    this.#whenFlushed?.resolve();
  }

  /** For the connection: it closed before that. */
  lose(): void {
    if (this.#flushed) return;
    this.#gone = true;
    this.hasEnded = true;
    this.flush();
    this.#watcher?.clientLeft();
  }
}
