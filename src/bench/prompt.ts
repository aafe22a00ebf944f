import { wordId } from '../sim/tokens.ts';
import { Random } from './random.ts';

/** A piece of a prompt: text of a known number of tokens. Pieces with one key have one text. */
export interface Segment {
  readonly key: string;
  readonly tokens: number;
  readonly text: string;
  /** Its tokens as the simulated engine has them. */
  readonly ids: Int32Array;
}

/** One question of a conversation. */
export interface Turn {
  readonly added: readonly Segment[];
  readonly outputTokens: number;
  /** Milliseconds from the answer before it, which a user takes to read it. */
  readonly pauseMs: number;
  /** The answer before it is no part of the prompt. */
  readonly dropsAnswer?: boolean;
  /** Where the answer goes that other prompts have in them. */
  readonly answer?: AnswerSegment;
}

/** A conversation, or with one turn a single request. */
export interface Session {
  /** What stands before the first turn: a system prompt, or nothing. */
  readonly system: readonly Segment[];
  readonly turns: readonly Turn[];
  /** Milliseconds from the start of the run to its first turn, at the earliest. */
  readonly startMs: number;
}

/** Consonant, vowel, consonant: with the space before them one token of the simulated engine, 4 characters. */
const WORDS: readonly string[] = Array.from('bdfghjklmnprstvwz').flatMap((first) =>
  Array.from('aeiou').flatMap((vowel) => Array.from('bdfgklmnprstvz', (last) => ` ${first}${vowel}${last}`)),
);

const WORD_IDS = Int32Array.from(WORDS, wordId);

/** Pseudo-words of exactly `tokens` tokens; which ones is decided by seed and key alone. */
export function segment(seed: number, key: string, tokens: number): Segment {
  return new Piece(seed, key, 0, tokens);
}

/** The words `from` to `to` of those of a key. */
export function slice(seed: number, key: string, from: number, to: number): Segment {
  return new Piece(seed, key, from, to);
}

/** Words are made when they are asked for: of a long trace they would not fit into memory. */
class Piece implements Segment {
  readonly key: string;
  readonly tokens: number;
  readonly #state: number;
  readonly #from: number;

  constructor(seed: number, key: string, from: number, to: number) {
    let hash = seed | 0;
    for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
    this.#state = hash;
    this.#from = from;
    this.key = from === 0 ? key : `${key}:${from}`;
    this.tokens = to - from;
  }

  get text(): string {
    let text = '';
    for (const word of this.#words()) text += WORDS[word];
    return text;
  }

  get ids(): Int32Array {
    const ids = this.#words();
    for (let i = 0; i < ids.length; i++) ids[i] = WORD_IDS[ids[i] as number] as number;
    return ids;
  }

  /** Their numbers. */
  #words(): Int32Array {
    const random = new Random(this.#state);
    random.skip(this.#from);
    const words = new Int32Array(this.tokens);
    for (let i = 0; i < words.length; i++) words[i] = random.below(WORDS.length);
    return words;
  }
}

/** What an answer was, for those who have it in their prompts. */
interface Given {
  text: string;
  ids: Int32Array;
  isWanted: boolean;
}

/** The answer to an earlier request, or its beginning: empty until it is there. */
export class AnswerSegment implements Segment {
  readonly key: string;
  readonly tokens: number;
  readonly #of: Given;

  constructor(key: string, tokens: number, of: Given = { text: '', ids: new Int32Array(), isWanted: false }) {
    this.key = key;
    this.tokens = tokens;
    this.#of = of;
  }

  get text(): string {
    // Each word is one token and has its space before it.
    return this.#of.text.split(/(?= )/, this.tokens).join('');
  }

  get ids(): Int32Array {
    return this.#of.ids.subarray(0, this.tokens);
  }

  /** It is there. It is kept where somebody has asked for its `first` tokens. */
  fill(text: string, ids: Int32Array): void {
    if (!this.#of.isWanted) return;
    this.#of.text = text;
    this.#of.ids = ids;
  }

  /** Its first tokens. */
  first(tokens: number): AnswerSegment {
    this.#of.isWanted = true;
    return new AnswerSegment(this.key, tokens, this.#of);
  }
}

/** A single request that starts as soon as it may. */
export function single(system: readonly Segment[], question: Segment, outputTokens: number, startMs = 0): Session {
  return { system, turns: [{ added: [question], outputTokens, pauseMs: 0 }], startMs };
}

/** Sessions that start at random times, `perSec` of them a second on average; all at once where that is infinite. */
export function arriving(sessions: readonly Session[], perSec: number, random: Random): Session[] {
  let at = 0;
  return sessions.map((session) => {
    const startMs = at;
    if (Number.isFinite(perSec)) at += random.exponential(1000 / perSec);
    return { ...session, startMs };
  });
}

/** The prompt tokens of all requests, and how many of them one endless cache would have held: the most that can be hit. */
export function possibleHits(sessions: readonly Session[]): { promptTokens: number; hitTokens: number } {
  const known = new KnownPrompts();
  let promptTokens = 0;
  let hitTokens = 0;
  sessions.forEach(({ system, turns }, number) => {
    let pieces = [...system];
    turns.forEach(({ added, outputTokens, dropsAnswer, answer }, turn) => {
      if (dropsAnswer) pieces.pop();
      pieces.push(...added);
      let place = 0;
      for (const { key, tokens } of pieces) {
        promptTokens += tokens;
        if (known.has(place, key)) hitTokens += tokens;
        place = known.add(place, key);
      }
      const given = answer ?? new AnswerSegment(`answer ${number}.${turn}`, outputTokens);
      known.add(place, given.key);
      pieces = [...pieces, given];
    });
  });
  return { promptTokens, hitTokens };
}

/** All prompts so far as a tree of pieces; a place in it is a number, that of the beginning 0. */
class KnownPrompts {
  readonly #places = new Map<string, number>();

  has(place: number, key: string): boolean {
    return this.#places.has(`${place} ${key}`);
  }

  /** The place behind that piece. */
  add(place: number, key: string): number {
    const name = `${place} ${key}`;
    const next = this.#places.get(name) ?? this.#places.size + 1;
    this.#places.set(name, next);
    return next;
  }
}

/** One after the other. */
export function joined(parts: readonly ArrayLike<number>[]): Int32Array {
  const all = new Int32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
