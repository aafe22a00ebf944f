import type { IncomingHttpHeaders } from 'node:http';
import { tooLargeToHold } from '../../link/failure.ts';
import type { Usage } from '../../link/outcome.ts';
import type { AnswerInfo, Sink } from '../sink.ts';

/** Bytes kept of an answer that matters only as an error: an error, or one token for each prompt. */
const KEPT_BYTES = 256 * 1024;
/** Matches an abort after a status of 200; generated text cannot match, as its quotes are escaped. */
const ABORTED = /"type": ?"abort"|^data: ?\{"error":/m;
/** Matches an abort that is the server's fault; others are wrong requests, or were asked for. */
const FAILED = /"(status_)?code": ?5\d\d\b/;
/** Bytes of overlap, as a match may span two chunks. */
const OVERLAP_BYTES = 32;

interface HeldAnswerOptions {
  /** The URL of the answering server. */
  readonly from: string;
  /** Whether the whole answer is needed, not only an error in it. */
  readonly whole: boolean;
  /** Most bytes that may be held. */
  readonly mostBytes: number;
}

/** The prefill server's answer: read to its end, and passed to the client only if it is an error. */
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

  /** How the answer failed despite a good status; undefined if it did not. */
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

  /** Throws RouterError `worker_answer_too_large` if more is needed than may be held. */
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

  /** Passes the answer to the client. Throws RouterError `worker_answer_too_large` if not all of it was kept. */
  passTo(sink: Sink): void {
    if (this.#cut) throw tooLargeToHold(this.#options.from, KEPT_BYTES);
    if (this.#head) sink.head(...this.#head);
    for (const chunk of this.#chunks) sink.data(chunk);
    sink.end();
  }

  /** Searches each chunk as it comes: a long answer at once would block the event loop. */
  #look(chunk: Buffer): void {
    const text = this.#lastText + chunk.toString('latin1');
    this.#aborted ||= ABORTED.test(text);
    this.#failed ||= FAILED.test(text);
    this.#lastText = text.slice(-OVERLAP_BYTES);
  }
}
