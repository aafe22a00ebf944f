import { unchunked } from '../http/unchunked.ts';
import { UNKNOWN_USAGE, type Usage } from '../link/outcome.ts';
import { errorStatusOf } from './error-event.ts';

const OPEN_BRACKET = 0x5b;
/** Engines write the usage at the end of a body, or in one of the last events of a stream. */
const CHUNKS = 3;
const TAIL_BYTES = 4096;
/** SGLang and OpenAI write `cached_tokens`, `prompt_tokens` and `completion_tokens`, the responses API and Anthropic's `input_tokens` and `output_tokens`. */
const CACHED = ['"cached_tokens"'].map((key) => Buffer.from(key));
const PROMPT = ['"prompt_tokens"', '"input_tokens"'].map((key) => Buffer.from(key));
const COMPLETION = ['"completion_tokens"', '"output_tokens"'].map((key) => Buffer.from(key));
const COLON = 0x3a;
const SPACE = 0x20;
const ZERO = 0x30;
const NINE = 0x39;

/** Reads token counts from the end of an answer. It only remembers the last chunks, so that each costs three stores. */
export class AnswerTail {
  #first: Buffer | undefined;
  readonly #last: (Buffer | undefined)[] = new Array(CHUNKS).fill(undefined);
  /** Which of the chunks are in the chunked coding. */
  readonly #coded: boolean[] = new Array(CHUNKS).fill(false);
  #at = 0;

  see(chunk: Buffer): void {
    this.#first ??= chunk;
    this.#keep(chunk, false);
  }

  /** Remembers whole chunks in the chunked coding; never the first piece. */
  seeChunks(coded: Buffer): void {
    this.#keep(coded, true);
  }

  #keep(piece: Buffer, isCoded: boolean): void {
    this.#last[this.#at] = piece;
    this.#coded[this.#at] = isCoded;
    this.#at = (this.#at + 1) % CHUNKS;
  }

  /** The counts; undefined if there are none, or those of several prompts. */
  read(): Usage {
    if (!this.#first || this.#first[0] === OPEN_BRACKET) return UNKNOWN_USAGE;
    const tail = this.#tail();
    if (isOneOfMany(tail)) return UNKNOWN_USAGE;
    return {
      promptTokens: lastNumber(tail, PROMPT),
      cachedTokens: lastNumber(tail, CACHED),
      completionTokens: lastNumber(tail, COMPLETION),
    };
  }

  /** The status of an error event in the last pieces of a stream; undefined without one. */
  errorStatus(): number | undefined {
    for (let at = 0; at < CHUNKS; at++) {
      const chunk = this.#pieceAt(at);
      const status = chunk && errorStatusIn(chunk);
      if (status !== undefined) return status;
    }
    return undefined;
  }

  #pieceAt(at: number): Buffer | undefined {
    const piece = this.#last[at];
    return piece && this.#coded[at] ? unchunked(piece) : piece;
  }

  /** The end of the answer, copied only if it came in several pieces. */
  #tail(): Buffer {
    const ends: Buffer[] = [];
    for (let i = 0; i < CHUNKS; i++) {
      const chunk = this.#pieceAt((this.#at + i) % CHUNKS);
      if (chunk) ends.push(chunk.subarray(Math.max(0, chunk.length - TAIL_BYTES)));
    }
    return ends.length === 1 ? (ends[0] as Buffer) : Buffer.concat(ends);
  }
}

/** Signs of an error event; a text cannot hold them, as its quotes are escaped. */
const ERROR_SIGNS = ['"error"', '"abort"'].map((sign) => Buffer.from(sign));
const DATA = 'data:';
const LF = 0x0a;
const NULL = 'null';
/** Longer chunks are not searched for errors. */
const LONGEST_ERROR = 64 * 1024;

function errorStatusIn(chunk: Buffer): number | undefined {
  for (const sign of ERROR_SIGNS) {
    const at = chunk.indexOf(sign);
    // `"error":null` is in every event of a response that goes well.
    if (at < 0 || chunk.toString('latin1', at + sign.length, at + sign.length + 6).includes(NULL)) continue;
    const start = chunk.lastIndexOf(LF, at) + 1;
    const end = chunk.indexOf(LF, at);
    const line = chunk.toString('latin1', start, Math.min(end < 0 ? chunk.length : end, start + LONGEST_ERROR));
    const status = line.startsWith(DATA) ? errorStatusOf('', line.slice(DATA.length)) : undefined;
    if (status !== undefined) return status;
  }
  return undefined;
}

const META = Buffer.from('"meta_info"');
const INDEX = Buffer.from('"index"');

/** SGLang numbers the events of a stream with several prompts; each has the counts of its own. */
function isOneOfMany(tail: Buffer): boolean {
  const meta = tail.lastIndexOf(META);
  return meta >= 0 && tail.indexOf(INDEX, meta) >= 0;
}

/** The number after the last of the keys, by byte search: 4 µs an answer less than by a regular expression. */
function lastNumber(tail: Buffer, keys: readonly Buffer[]): number | undefined {
  for (const key of keys) {
    const found = tail.lastIndexOf(key);
    if (found >= 0) return numberAt(tail, found + key.length);
  }
  return undefined;
}

function numberAt(tail: Buffer, start: number): number | undefined {
  let at = start;
  while (tail[at] === SPACE || tail[at] === COLON) at++;
  let value: number | undefined;
  for (let digit = tail[at]; digit !== undefined && digit >= ZERO && digit <= NINE; digit = tail[++at]) {
    value = (value ?? 0) * 10 + digit - ZERO;
  }
  // A number that runs to the end of what is there may be cut off.
  return at < tail.length ? value : undefined;
}
