import { Random } from './random.ts';

/** A piece of a prompt: text of a known number of tokens. Pieces with one key have one text. */
export interface Segment {
  readonly key: string;
  readonly tokens: number;
  readonly text: string;
}

/** One question of a conversation. */
export interface Turn {
  readonly added: readonly Segment[];
  readonly outputTokens: number;
  /** Milliseconds from the answer before it, which a user takes to read it. */
  readonly pauseMs: number;
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

/** Pseudo-words of exactly `tokens` tokens; which ones is decided by seed and key alone. */
export function segment(seed: number, key: string, tokens: number): Segment {
  let hash = seed | 0;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  const random = new Random(hash);
  let text = '';
  for (let i = 0; i < tokens; i++) text += WORDS[random.below(WORDS.length)];
  return { key, tokens, text };
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
  const known = new Set<string>();
  let promptTokens = 0;
  let hitTokens = 0;
  sessions.forEach(({ system, turns }, number) => {
    let pieces = [...system];
    turns.forEach(({ added, outputTokens }, turn) => {
      pieces.push(...added);
      let path = '';
      let shared = true;
      for (const { key, tokens } of pieces) {
        path += `\n${key}`;
        shared &&= known.has(path);
        known.add(path);
        promptTokens += tokens;
        if (shared) hitTokens += tokens;
      }
      const answer = { key: `answer ${number}.${turn}`, tokens: outputTokens, text: '' };
      known.add(`${path}\n${answer.key}`);
      pieces = [...pieces, answer];
    });
  });
  return { promptTokens, hitTokens };
}
