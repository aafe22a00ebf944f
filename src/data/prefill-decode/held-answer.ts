import type { IncomingHttpHeaders } from 'node:http';
import { tooLargeToHold } from '../../link/failure.ts';
import type { Usage } from '../../link/outcome.ts';
import type { AnswerInfo, Sink } from '../sink.ts';

/** Of an answer that matters only where it is an error: an error, or one token for each prompt. */
const KEPT_BYTES = 256 * 1024;
/** How a stream says that it came to nothing after its 200; a text cannot hold this, as its quotes are escaped. */
const ABORTED = /"type": ?"abort"|^data: ?\{"error":/m;
/** It was the server's fault; else the request is wrong, or somebody asked for its abort. */
const FAILED = /"(status_)?code": ?5\d\d\b/;
/** Either may begin at the end of one chunk and end in the next. */
const OVERLAP_BYTES = 32;

interface HeldAnswerOptions {
  /** The server that answers. */
  readonly from: string;
  /** All of it is needed, not only what it says of an error. */
  readonly whole: boolean;
  /** What is needed may be so long. */
  readonly mostBytes: number;
}

/** The prefill server's answer, which the client sees only where it is an error: read to its end. */
export class HeldAnswer implements Sink {
  readonly started = false;
  readonly #options: HeldAnswerOptions;
  #head: Parameters<Sink['head']> | undefined;
  #status = 0;
  #needed: boolean;
  #bytes = 0;
  #cut = false;
  readonly #chunks: Buffer[] = [];
  #lastText = '';
  #aborted = false;
  #failed = false;

  constructor(options: HeldAnswerOptions) {
    this.#options = options;
    this.#needed = options.whole;
  }

  get usage(): Usage | undefined {
    return undefined;
  }

  get status(): number {
    return this.#status;
  }

  get body(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** What became of it in spite of its status; undefined where that says all. */
  get abort(): 'failed' | 'refused' | undefined {
    if (!this.#aborted) return undefined;
    return this.#failed ? 'failed' : 'refused';
  }

  head(status: number, text: string | undefined, headers: IncomingHttpHeaders, info: AnswerInfo): void {
    this.#status = status;
    this.#needed ||= status >= 300;
    const { 'content-length': _, ...rest } = headers;
    this.#head = [status, text, rest, info];
  }

  /** Throws RouterError `worker_answer_too_large` where more is needed than may be held. */
  data(chunk: Buffer): boolean {
    this.#look(chunk);
    this.#bytes += chunk.length;
    const { from, mostBytes } = this.#options;
    if (this.#needed && this.#bytes > mostBytes) throw tooLargeToHold(from, mostBytes);
    this.#cut ||= !this.#needed && this.#bytes > KEPT_BYTES;
    if (!this.#cut) this.#chunks.push(chunk);
    return true;
  }

  whenDrained(resume: () => void): void {
    resume();
  }

  end(): void {}

  breakOff(): void {}

  /** Gives it to the client after all. Throws RouterError `worker_answer_too_large` where not all of it was kept. */
  passTo(sink: Sink): void {
    if (this.#cut) throw tooLargeToHold(this.#options.from, KEPT_BYTES);
    if (this.#head) sink.head(...this.#head);
    for (const chunk of this.#chunks) sink.data(chunk);
    sink.end();
  }

  /** Chunk by chunk as they come: all of a long answer at once would hold everybody up. */
  #look(chunk: Buffer): void {
    const text = this.#lastText + chunk.toString('latin1');
    this.#aborted ||= ABORTED.test(text);
    this.#failed ||= FAILED.test(text);
    this.#lastText = text.slice(-OVERLAP_BYTES);
  }
}
