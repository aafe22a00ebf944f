import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
} from './json-characters.ts';

/** Where a value lies in a body: from the byte at `start` to the one before `end`. */
export interface ByteSpan {
  readonly start: number;
  readonly end: number;
}

/** A value of an object, and where its key begins. */
export interface JsonField extends ByteSpan {
  readonly key: number;
}

/** Longest key that is looked for, with every character escaped. */
const MOST_KEY_BYTES = 1024;
/** Digits of a number that a double holds exactly. */
const MOST_DIGITS = 15;
/** Bytes of a string that are read one by one before a native search, whose call costs as much. */
const NEAR_BYTES = 48;

/**
 * Finds the values of an object's own `keys` without reading what is inside them; of a key given twice the last counts, as
 * in every parser. Only the structure is looked at: undefined when that is broken, but a value itself may still be invalid.
 * It reads bytes, as no string holds more than 512 MB: 8 KB of plain chat take 3 µs, JSON.parse 7; 1 MB takes 14, and 1,500 as a string.
 */
export function findFields(body: Buffer, keys: ReadonlySet<string>): Map<string, JsonField> | undefined {
  const found = new Map<string, JsonField>();
  return visitFields(body, keys, (key, field) => found.set(key, field)) ? found : undefined;
}

/** Like `findFields`, but returns every occurrence of a key, in order. */
export function findAllFields(body: Buffer, keys: ReadonlySet<string>): JsonField[] | undefined {
  const found: JsonField[] = [];
  return visitFields(body, keys, (_, field) => found.push(field)) ? found : undefined;
}

/** Fields of the object that lies at a span, at their places in the whole body. */
export function fieldsIn(body: Buffer, { start, end }: ByteSpan, keys: readonly string[]): Map<string, ByteSpan> {
  const found = findFields(body.subarray(start, end), new Set(keys)) ?? new Map<string, ByteSpan>();
  return new Map(Array.from(found, ([key, span]) => [key, { start: span.start + start, end: span.end + start }]));
}

/** The value at a path of keys in the object at a span; undefined if a key is missing. */
export function fieldAt(body: Buffer, path: readonly string[], object: ByteSpan): ByteSpan | undefined {
  let span: ByteSpan | undefined = object;
  for (const key of path) span = span && fieldsIn(body, span, [key]).get(key);
  return span;
}

/** The whole number that a span holds; undefined when it holds anything else. */
export function numberIn(body: Buffer, span: ByteSpan | undefined): number | undefined {
  const text = span && body.toString('latin1', span.start, Math.min(span.end, span.start + MOST_DIGITS + 1));
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** Walks through an object's own fields; the caller says where each value ends. */
export class ObjectWalk {
  readonly #body: Buffer;
  readonly #at: number;
  /** Where the current field's key begins and ends, quotes included, and where its value begins. */
  key = -1;
  keyEnd = 0;
  start = 0;
  /** Position after the object, known once `next` was false; beyond the body where its structure is broken. */
  end = 0;

  /** `at` is where the object should begin. */
  constructor(body: Buffer, at: number) {
    this.#body = body;
    this.#at = at;
  }

  /** Goes on to the field after the value that ends at `end`, which is ignored before the first one; false when there is none. */
  next(end: number): boolean {
    const body = this.#body;
    const isFirst = this.key < 0;
    const at = skipSpace(body, isFirst ? this.#at : end);
    if (body[at] === CLOSE_BRACE && !isFirst) return this.#over(at + 1);
    if (body[at] !== (isFirst ? OPEN_BRACE : COMMA)) return this.#over(body.length + 1);
    this.key = skipSpace(body, at + 1);
    if (isFirst && body[this.key] === CLOSE_BRACE) return this.#over(this.key + 1);
    if (body[this.key] !== QUOTE) return this.#over(body.length + 1);
    this.keyEnd = skipString(body, this.key);
    const colon = skipSpace(body, this.keyEnd);
    if (body[colon] !== COLON) return this.#over(body.length + 1);
    this.start = skipSpace(body, colon + 1);
    return this.start < body.length || this.#over(body.length + 1);
  }

  #over(end: number): false {
    this.end = end;
    return false;
  }
}

/** Visits an object's fields; false when its structure is broken. If the body `isCut`, a value is visited as far as it is there. */
export function visitFields(
  body: Buffer,
  keys: ReadonlySet<string>,
  visit: (key: string, field: JsonField) => void,
  isCut = false,
): boolean {
  const walk = new ObjectWalk(body, 0);
  for (let end = 0; walk.next(end); ) {
    end = skipValue(body, walk.start);
    const goesOn = end > body.length;
    if (end === walk.start || (goesOn && !isCut)) return false;
    if (walk.keyEnd - walk.key <= MOST_KEY_BYTES) {
      const key = decodedKey(body, walk.key, walk.keyEnd);
      if (key === undefined) return false;
      if (keys.has(key)) visit(key, { key: walk.key, start: walk.start, end: Math.min(end, body.length) });
    }
    if (goesOn) return true;
  }
  return walk.end <= body.length;
}

/**
 * Where the value of field `name` begins in the object at `at`, white space before it allowed. The body may be cut: undefined if the key
 * has not come, or the bytes before it are broken.
 */
export function valueOfField(body: Buffer, at: number, name: string): number | undefined {
  let next = skipSpace(body, at);
  if (body[next] !== OPEN_BRACE) return undefined;
  do {
    next = skipSpace(body, next + 1);
    if (body[next] !== QUOTE) return undefined;
    const keyEnd = skipString(body, next);
    const colon = skipSpace(body, keyEnd);
    const start = skipSpace(body, colon + 1);
    if (start >= body.length || body[colon] !== COLON) return undefined;
    if (keyEnd - next <= MOST_KEY_BYTES && decodedKey(body, next, keyEnd) === name) return start;
    next = skipSpace(body, skipValue(body, start));
  } while (next < body.length && body[next] === COMMA);
  return undefined;
}

/** The string that a span of the body holds; undefined when it holds anything else. */
export function stringAt(bytes: Buffer, { start, end }: ByteSpan): string | undefined {
  if (bytes[start] !== QUOTE) return undefined;
  try {
    return JSON.parse(bytes.toString('utf8', start, end)) as string;
  } catch {
    return undefined;
  }
}

/** First position at or after `at` that is no white space. */
export function skipSpace(body: Buffer, at: number): number {
  let i = at;
  while (i < body.length && isSpace(body[i])) i++;
  return i;
}

/** Position after the string that starts at `at`; beyond the body when it does not end. */
export function skipString(body: Buffer, at: number): number {
  for (let from = at + 1; from < body.length; ) {
    const near = Math.min(body.length, from + NEAR_BYTES);
    while (from < near) {
      const byte = body[from];
      if (byte === QUOTE) return from + 1;
      from += byte === BACKSLASH ? 2 : 1;
    }
    const quote = from < body.length ? body.indexOf(QUOTE, from) : -1;
    if (quote < 0) break;
    // A quote after an odd number of backslashes is part of the string.
    let before = quote;
    while (before > from && body[before - 1] === BACKSLASH) before--;
    if ((quote - before) % 2 === 0) return quote + 1;
    from = quote + 1;
  }
  return body.length + 1;
}

/** The elements of the array that starts at `at`; undefined when it is none, or broken. Of one with more than `most` it reads one more. */
export function elementsOf(body: Buffer, at: number, most = Number.POSITIVE_INFINITY): ByteSpan[] | undefined {
  if (body[at] !== OPEN_BRACKET) return undefined;
  const elements: ByteSpan[] = [];
  let start = skipSpace(body, at + 1);
  if (body[start] === CLOSE_BRACKET) return elements;
  while (start < body.length) {
    const end = skipValue(body, start);
    if (end > body.length || end === start) return undefined;
    elements.push({ start, end });
    if (elements.length > most) return elements;
    const next = skipSpace(body, end);
    if (body[next] === CLOSE_BRACKET) return elements;
    if (body[next] !== COMMA) return undefined;
    start = skipSpace(body, next + 1);
  }
  return undefined;
}

export function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Position after the value that starts at `at`; `at` itself when there is none, beyond the body when it does not end. */
export function skipValue(body: Buffer, at: number): number {
  if (at >= body.length) return at;
  if (body[at] === QUOTE) return skipString(body, at);
  if (body[at] === OPEN_BRACE || body[at] === OPEN_BRACKET) return skipNested(body, at);
  let i = at;
  while (i < body.length && !isSpace(body[i]) && body[i] !== COMMA && !isClosing(body[i])) i++;
  return i;
}

function skipNested(body: Buffer, at: number): number {
  let depth = 0;
  let i = at;
  while (i < body.length) {
    const byte = body[i];
    if (byte === QUOTE) {
      i = skipString(body, i);
      continue;
    }
    i++;
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
    else if (isClosing(byte) && --depth === 0) return i;
  }
  return body.length + 1;
}

export function isClosing(byte: number | undefined): boolean {
  return byte === CLOSE_BRACE || byte === CLOSE_BRACKET;
}

/** The decoded key; undefined if it is no string. */
export function decodedKey(body: Buffer, start: number, end: number): string | undefined {
  let key = '';
  for (let at = start + 1; at < end - 1; at++) {
    const byte = body[at] as number;
    if (byte === BACKSLASH) return stringAt(body, { start, end });
    key += String.fromCharCode(byte);
  }
  return key;
}
