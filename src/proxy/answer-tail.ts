/** What an answer says of its prompt, where it does. */
export interface Usage {
  readonly promptTokens: number | undefined;
  readonly cachedTokens: number | undefined;
}

const UNKNOWN: Usage = { promptTokens: undefined, cachedTokens: undefined };
const OPEN_BRACKET = 0x5b;
/** Engines write the usage at the end of a body, or in one of the last events of a stream. */
const CHUNKS = 3;
const TAIL_BYTES = 4096;
/** SGLang and OpenAI write `cached_tokens` and `prompt_tokens`, the responses API `input_tokens`. */
const CACHED = /"cached_tokens"\s*:\s*(\d+)/g;
const PROMPT = /"(?:prompt_tokens|input_tokens)"\s*:\s*(\d+)/g;

/** Reads the engine's token counts from the end of an answer. It only remembers the last chunks: a chunk costs three stores. */
export class AnswerTail {
  #first: Buffer | undefined;
  readonly #last: (Buffer | undefined)[] = new Array(CHUNKS).fill(undefined);
  #at = 0;

  see(chunk: Buffer): void {
    this.#first ??= chunk;
    this.#last[this.#at] = chunk;
    this.#at = (this.#at + 1) % CHUNKS;
  }

  /** The counts; undefined where there are none, or those of many prompts in one list. */
  read(): Usage {
    if (!this.#first || this.#first[0] === OPEN_BRACKET) return UNKNOWN;
    let text = '';
    for (let i = 0; i < CHUNKS; i++) {
      const chunk = this.#last[(this.#at + i) % CHUNKS];
      if (chunk) text += chunk.toString('latin1', Math.max(0, chunk.length - TAIL_BYTES));
    }
    return { promptTokens: lastNumber(text, PROMPT), cachedTokens: lastNumber(text, CACHED) };
  }
}

function lastNumber(text: string, pattern: RegExp): number | undefined {
  let last: string | undefined;
  for (const match of text.matchAll(pattern)) last = match[1];
  return last === undefined ? undefined : Number(last);
}
