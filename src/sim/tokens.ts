/** Token ids run below this, as a tokenizer of a current model has it. */
const VOCABULARY_SIZE = 128_000;
/** Ids below it are special: they stand for no text. */
const FIRST_TEXT_ID = 1000;
/** A token takes leading white space and up to this many characters of a word: about 4 characters of any text. */
const WORD_CHARS = 4;
const MAX_SPACES = 4;

/** Token ids; of long prompts in the memory of four bytes each. */
export type Tokens = readonly number[] | Int32Array;

/** What stands before a text; only seen where there is no other token. */
export const START_OF_TEXT = 1;
/** What a model says to end its answer. */
export const END_OF_TURN = 2;

const HASH_SEED = 0x811c9dc5;
const HASH_PRIME = 0x01000193;

/** Mixes `value` into a 32-bit hash (FNV-1a by whole numbers instead of bytes). */
export function mix(hash: number, value: number): number {
  return Math.imul(hash ^ value, HASH_PRIME);
}

/** A 32-bit hash of a text. */
export function hashText(text: string): number {
  let hash = HASH_SEED;
  for (let i = 0; i < text.length; i++) hash = mix(hash, text.charCodeAt(i));
  return hash >>> 0;
}

/** A 32-bit hash of a token sequence. */
export function hashTokens(tokens: Tokens): number {
  let hash = HASH_SEED;
  for (let i = 0; i < tokens.length; i++) hash = mix(hash, tokens[i] as number);
  return finish(hash);
}

/** FNV leaves the high bits of short inputs alike; this spreads them (the last step of MurmurHash3). */
function finish(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function textId(hash: number): number {
  return FIRST_TEXT_ID + (finish(hash) % (VOCABULARY_SIZE - FIRST_TEXT_ID));
}

/**
 * Appends the tokens of `text` to `tokens`. The same text always gives the same ids, and a token starts wherever a word
 * does: so text that was generated gives its own ids again when the client sends it back in a conversation.
 */
export function tokenize(text: string, tokens: number[] = []): number[] {
  let hash = HASH_SEED;
  let spaces = 0;
  let letters = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const isSpace = code === 32 || (code >= 9 && code <= 13);
    if (letters === WORD_CHARS || spaces > MAX_SPACES || (isSpace && letters > 0)) {
      tokens.push(textId(hash));
      hash = HASH_SEED;
      spaces = letters = 0;
    }
    hash = mix(hash, code);
    if (isSpace) spaces++;
    else letters++;
  }
  if (spaces + letters > 0) tokens.push(textId(hash));
  return tokens;
}

/** The id of the marker that opens a chat message of `role`. */
export function roleToken(role: string): number {
  return 10 + (hashText(role) % 900);
}

/** The words that answers are made of; each is one token, starts with a space and needs no escaping in JSON. */
export const WORDS: readonly string[] = buildWords();

const WORD_OF_ID: ReadonlyMap<number, string> = new Map(WORDS.map((word) => [wordId(word), word]));

/** The id of one of WORDS. */
export function wordId(word: string): number {
  return tokenize(word)[0] as number;
}

/** The text of a token: exact for those of WORDS, some word for any other, nothing for special ones. */
export function tokenText(id: number): string {
  if (id < FIRST_TEXT_ID) return '';
  return WORD_OF_ID.get(id) ?? (WORDS[id % WORDS.length] as string);
}

/** Pronounceable words of three letters; every eighth also with a full stop. */
function buildWords(): string[] {
  const words: string[] = [];
  const ids = new Set<number>();
  for (const first of 'bdfghjklmnprstvw') {
    for (const vowel of 'aeiou') {
      for (const last of 'dgklmnrst') {
        const word = ` ${first}${vowel}${last}`;
        for (const form of words.length % 8 === 7 ? [word, `${word}.`] : [word]) {
          const id = wordId(form);
          // Two words with one id could not be told apart when they come back.
          if (!ids.has(id)) words.push(form);
          ids.add(id);
        }
      }
    }
  }
  return words;
}

/** The tokens and then some more. */
export function followedBy(tokens: Tokens, more: readonly number[]): Tokens {
  if (!(tokens instanceof Int32Array)) return tokens.concat(more);
  const all = new Int32Array(tokens.length + more.length);
  all.set(tokens);
  all.set(more, tokens.length);
  return all;
}
