import type { PromptMarks, RequestRecord } from '../request-record.ts';
import { Estimate } from './estimate.ts';
import { PromptMarker, TYPICAL_TOKEN_BYTES } from './prompt-marker.ts';
import { BLOCK_TOKENS, MOST_TOKENS, type TraceRow } from './trace-row.ts';

/** Workers that are told apart. */
const MOST_WORKERS = 4_096;
/** What a client asked for that no engine computed. */
const TIMED_OUT = 408;
const TOO_MANY = 429;
/** Where the client left first. */
const CLIENT_LEFT = 499;
const OK = 200;

/** Writes a trace of the requests that were answered: a row each when it is over. Never a text. */
export class TraceRecorder {
  readonly #write: (line: string) => void;
  readonly #marker = new PromptMarker();
  readonly #startedMs: number;
  readonly #input = new Estimate(TYPICAL_TOKEN_BYTES);
  /** A piece of a streamed answer is a token, as a rule. */
  readonly #streamed = new Estimate(1);
  readonly #whole = new Estimate(TYPICAL_TOKEN_BYTES);
  readonly #workers = new Map<string, number>();

  constructor(write: (line: string) => void, startedMs: number = performance.now()) {
    this.#write = write;
    this.#startedMs = startedMs;
  }

  /** What the trace tells of a prompt; in the order in which requests come. */
  mark(prompt: Uint8Array): PromptMarks {
    return this.#marker.mark(prompt);
  }

  /** A request is over. Those that nobody answered for what they said, as 400, are none of the traffic. */
  ended(record: RequestRecord): void {
    const { marks } = record;
    if (!marks) return;
    const status = record.errorEvent ?? (record.clientLeft ? CLIENT_LEFT : record.status);
    const isRefused = status >= 400 && status < 500 && ![TIMED_OUT, TOO_MANY, CLIENT_LEFT].includes(status);
    if (!isRefused) this.#write(JSON.stringify(this.#rowOf(record, marks, status)));
  }

  #rowOf(record: RequestRecord, marks: PromptMarks, status: number): TraceRow {
    const { parent, sharedBytes, continues, bytes, id } = marks;
    const { startedMs, firstByteMs, totalMs, cachedTokens, streams, worker } = record;
    const input = this.#inputTokens(record, marks);
    return {
      timestamp: Math.max(0, Math.floor(startedMs - this.#startedMs)),
      input_length: input,
      output_length: this.#outputTokens(record, status),
      hash_ids: this.#idsFor(marks.blockIds, input),
      id,
      parent,
      shared_length: parent === undefined ? undefined : Math.round((sharedBytes / bytes) * input),
      continues: continues || undefined,
      status,
      worker: worker === undefined ? undefined : this.#numberOf(worker),
      cached_length: cachedTokens,
      ttft: streams && firstByteMs !== undefined ? tenths(firstByteMs) : undefined,
      duration: tenths(totalMs),
    };
  }

  #inputTokens({ promptTokens }: RequestRecord, { bytes }: PromptMarks): number {
    if (!isTold(promptTokens)) return bounded(this.#input.of(bytes));
    this.#input.learn(bytes, promptTokens);
    return promptTokens;
  }

  #outputTokens({ completionTokens, streams, answerChunks, answerBytes }: RequestRecord, status: number): number {
    const estimate = streams ? this.#streamed : this.#whole;
    const size = streams ? answerChunks : answerBytes;
    if (!isTold(completionTokens)) return bounded(status === OK || streams ? estimate.of(size) : 1);
    estimate.learn(size, completionTokens);
    return completionTokens;
  }

  /** One for each 512 tokens, as readers of the format count on; the prompt was cut by its bytes. */
  #idsFor(ids: readonly number[], tokens: number): readonly number[] {
    const count = Math.ceil(tokens / BLOCK_TOKENS);
    if (count <= ids.length) return ids.slice(0, count);
    return ids.concat(this.#marker.idsAfter(ids.at(-1) ?? 0, count - ids.length));
  }

  #numberOf(worker: string): number | undefined {
    const known = this.#workers.get(worker);
    if (known !== undefined || this.#workers.size >= MOST_WORKERS) return known;
    this.#workers.set(worker, this.#workers.size);
    return this.#workers.size - 1;
  }
}

function isTold(tokens: number | undefined): tokens is number {
  return tokens !== undefined && tokens > 0 && tokens <= MOST_TOKENS;
}

function bounded(tokens: number): number {
  return Math.min(Math.max(1, tokens), MOST_TOKENS);
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
