import { END_OF_TURN, hashTokens, mix, type Tokens, WORDS, wordId } from './tokens.ts';

/** Why an answer ended. */
export type Finish =
  | { readonly type: 'length'; readonly length: number }
  | { readonly type: 'stop'; readonly matched: string | number }
  | { readonly type: 'abort'; readonly message: string; readonly status?: FailureStatus };

/** HTTP status of a request that the engine itself gave up; an abort without one was asked for. */
export type FailureStatus = 400 | 500 | 503;

/** What bounds an answer. */
export interface AnswerLimits {
  /** Tokens after which the client wants it cut; undefined: the model ends by itself. */
  readonly maxTokens: number | undefined;
  /** Tokens that an answer ended by the model has on average. */
  readonly meanTokens: number;
  /** Tokens there is room for; a longer answer is cut. */
  readonly roomTokens: number;
  readonly stop: readonly string[];
  /** Make the first token only, for another engine to go on from. */
  readonly firstOnly: boolean;
}

const WORD_IDS: readonly number[] = WORDS.map(wordId);

/** The answer to a prompt, made token by token. Wholly decided by the prompt and the seed. */
export class Answer {
  /** The tokens so far. */
  readonly ids: number[] = [];
  /** The text so far. */
  text = '';
  /** Tokens it will have. */
  readonly length: number;
  /** How it will end unless it is aborted. */
  readonly finish: Finish;
  /** Characters before the stop text, of which nothing is shown. */
  readonly #shownChars: number;
  #state: number;

  constructor(prompt: Tokens, seed: number, limits: AnswerLimits) {
    // Zero is the one state that a xorshift generator never leaves.
    this.#state = mix(hashTokens(prompt), seed) | 1;
    const end = limits.firstOnly ? FIRST_TOKEN : naturalEnd(this.#state >>> 0, limits);
    const stop =
      limits.stop.length > 0 && !limits.firstOnly ? findStop(this.#state, end.length, limits.stop) : undefined;
    this.length = stop?.tokens ?? end.length;
    this.finish = stop ? { type: 'stop', matched: stop.matched } : end.finish;
    this.#shownChars = stop?.chars ?? Number.POSITIVE_INFINITY;
  }

  /** Makes one more token and returns the text it adds, which needs no escaping in JSON. */
  next(): string {
    this.#state = xorshift(this.#state);
    const index = wordIndex(this.#state);
    this.ids.push(WORD_IDS[index] as number);
    const word = (WORDS[index] as string).slice(0, Math.max(0, this.#shownChars - this.text.length));
    this.text += word;
    return word;
  }
}

interface End {
  readonly length: number;
  readonly finish: Finish;
}

/** A prefill server says that it has made no token of the answer, and shows one. */
const FIRST_TOKEN: End = { length: 1, finish: { type: 'length', length: 0 } };

function naturalEnd(draw: number, limits: AnswerLimits): End {
  const { maxTokens, meanTokens, roomTokens } = limits;
  const wanted = maxTokens ?? Math.max(1, Math.ceil(meanTokens / 2) + (draw % Math.max(1, meanTokens)));
  const length = Math.min(wanted, roomTokens);
  const stopsByItself = maxTokens === undefined && wanted <= roomTokens;
  return { length, finish: stopsByItself ? { type: 'stop', matched: END_OF_TURN } : { type: 'length', length } };
}

/** Writes the answer ahead to see where a stop text comes first. */
function findStop(seed: number, length: number, stops: readonly string[]) {
  const longest = Math.max(...stops.map((stop) => stop.length));
  let state = seed;
  let text = '';
  for (let tokens = 1; tokens <= length; tokens++) {
    state = xorshift(state);
    const from = Math.max(0, text.length - longest);
    text += WORDS[wordIndex(state)];
    for (const matched of stops) {
      const chars = text.indexOf(matched, from);
      if (chars >= 0) return { tokens, chars, matched };
    }
  }
  return undefined;
}

function wordIndex(state: number): number {
  return (state >>> 0) % WORDS.length;
}

function xorshift(state: number): number {
  let x = state;
  x ^= x << 13;
  x ^= x >>> 17;
  return x ^ (x << 5);
}
