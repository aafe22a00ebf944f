import type { IncomingHttpHeaders } from 'node:http';
import type { Described, Sink } from '../sink.ts';

/** An error, or one token for each prompt: more is nothing anybody will look at. */
const KEPT_BYTES = 256 * 1024;
/** The logprobs of a prompt take some 40 bytes a token and alternative. */
const KEPT_LOGPROB_BYTES = 256 * 1024 * 1024;
/** How a stream says that it came to nothing after its 200; a text cannot hold this, as its quotes are escaped. */
const ABORTED = /"type": ?"abort"|^data: ?\{"error":/m;
/** It was the server's fault; else the request is wrong, or somebody asked for its abort. */
const FAILED = /"(status_)?code": ?5\d\d\b/;

/** The prefill server's answer, which the client sees only where it is an error: read to its end. */
export class HeldAnswer implements Sink {
  readonly started = false;
  #head: Parameters<Sink['head']> | undefined;
  #status = 0;
  #room: number;
  readonly #chunks: Buffer[] = [];

  /** `whole`: all of its text is needed. */
  constructor(whole: boolean) {
    this.#room = whole ? KEPT_LOGPROB_BYTES : KEPT_BYTES;
  }

  get status(): number {
    return this.#status;
  }

  get body(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** What became of it in spite of its status; undefined where that says all. */
  get abort(): 'failed' | 'refused' | undefined {
    const text = this.body.toString('latin1');
    if (!ABORTED.test(text)) return undefined;
    return FAILED.test(text) ? 'failed' : 'refused';
  }

  head(status: number, text: string | undefined, headers: IncomingHttpHeaders, described: Described): void {
    this.#status = status;
    const { 'content-length': _, ...rest } = headers;
    this.#head = [status, text, rest, described];
  }

  data(chunk: Buffer): boolean {
    const kept = chunk.subarray(0, this.#room);
    this.#room -= kept.length;
    if (kept.length > 0) this.#chunks.push(kept);
    return true;
  }

  whenDrained(resume: () => void): void {
    resume();
  }

  end(): void {}

  breakOff(): void {}

  /** Gives it to the client after all. */
  passTo(sink: Sink): void {
    if (this.#head) sink.head(...this.#head);
    for (const chunk of this.#chunks) sink.data(chunk);
    sink.end();
  }
}
