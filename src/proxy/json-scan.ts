/** Where a value lies in a body: from the byte at `start` to the one before `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A value of an object, and where its key begins. */
export interface Field extends Span {
  readonly key: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * Finds the values of an object's own `keys` without reading what is inside them; of a key given twice the last counts, as
 * in every parser. `text` is the body as latin1, so that positions are those of its bytes. Only the structure is looked at:
 * undefined when that is broken, but a value itself may still be invalid. A chat body of 8 KB with many escapes takes 5 µs,
 * JSON.parse 7, after which its strings would have to be encoded again.
 */
export function findFields(text: string, keys: ReadonlySet<string>): Map<string, Field> | undefined {
  const found = new Map<string, Field>();
  return visitFields(text, keys, (key, field) => found.set(key, field)) ? found : undefined;
}

/** The same, but every one of a key that is given several times, in their order. */
export function findAllFields(text: string, keys: ReadonlySet<string>): Field[] | undefined {
  const found: Field[] = [];
  return visitFields(text, keys, (_, field) => found.push(field)) ? found : undefined;
}

/** False when the structure is broken. */
function visitFields(text: string, keys: ReadonlySet<string>, visit: (key: string, field: Field) => void): boolean {
  let at = skipSpace(text, 0);
  if (text.charCodeAt(at) !== OPEN_BRACE) return false;
  at = skipSpace(text, at + 1);
  if (text.charCodeAt(at) === CLOSE_BRACE) return true;
  while (at < text.length && text.charCodeAt(at) === QUOTE) {
    const keyEnd = skipString(text, at);
    const colon = skipSpace(text, keyEnd);
    if (colon >= text.length || text.charCodeAt(colon) !== COLON) return false;
    const start = skipSpace(text, colon + 1);
    const end = skipValue(text, start);
    if (end > text.length || end === start) return false;
    const key = keyOf(text, at, keyEnd);
    if (key === undefined) return false;
    if (keys.has(key)) visit(key, { key: at, start, end });
    at = skipSpace(text, end);
    if (at < text.length && text.charCodeAt(at) === CLOSE_BRACE) return true;
    if (at >= text.length || text.charCodeAt(at) !== COMMA) return false;
    at = skipSpace(text, at + 1);
  }
  return false;
}

/** The string that a span of the body holds; undefined when it holds anything else. */
export function stringAt(bytes: Buffer, { start, end }: Span): string | undefined {
  if (bytes[start] !== QUOTE) return undefined;
  try {
    return JSON.parse(bytes.toString('utf8', start, end)) as string;
  } catch {
    return undefined;
  }
}

/** First position at or after `at` that is no white space. */
export function skipSpace(text: string, at: number): number {
  let i = at;
  while (i < text.length && isSpace(text.charCodeAt(i))) i++;
  return i;
}

/** Position after the string that starts at `at`; beyond the text when it does not end. */
export function skipString(text: string, at: number): number {
  for (let quote = text.indexOf('"', at + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    // An odd number of backslashes before it: the quote is part of the string.
    let before = quote;
    while (text.charCodeAt(before - 1) === BACKSLASH) before--;
    if ((quote - before) % 2 === 0) return quote + 1;
  }
  return text.length + 1;
}

/** The elements of the array that starts at `at`; undefined when it is none, or broken. */
export function elementsOf(text: string, at: number): Span[] | undefined {
  if (text.charCodeAt(at) !== OPEN_BRACKET) return undefined;
  const elements: Span[] = [];
  let start = skipSpace(text, at + 1);
  if (text.charCodeAt(start) === CLOSE_BRACKET) return elements;
  while (start < text.length) {
    const end = skipValue(text, start);
    if (end > text.length || end === start) return undefined;
    elements.push({ start, end });
    const next = skipSpace(text, end);
    if (text.charCodeAt(next) === CLOSE_BRACKET) return elements;
    if (text.charCodeAt(next) !== COMMA) return undefined;
    start = skipSpace(text, next + 1);
  }
  return undefined;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Position after the value that starts at `at`; `at` itself when there is none, beyond the text when it does not end. */
function skipValue(text: string, at: number): number {
  if (at >= text.length) return at;
  if (text.charCodeAt(at) === QUOTE) return skipString(text, at);
  if (text.charCodeAt(at) === OPEN_BRACE || text.charCodeAt(at) === OPEN_BRACKET) return skipNested(text, at);
  let i = at;
  while (
    i < text.length &&
    !isSpace(text.charCodeAt(i)) &&
    text.charCodeAt(i) !== COMMA &&
    !isClosing(text.charCodeAt(i))
  )
    i++;
  return i;
}

function skipNested(text: string, at: number): number {
  let depth = 0;
  let i = at;
  while (i < text.length) {
    const byte = text.charCodeAt(i);
    if (byte === QUOTE) {
      i = skipString(text, i);
      continue;
    }
    i++;
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
    else if (isClosing(byte) && --depth === 0) return i;
  }
  return text.length + 1;
}

function isClosing(byte: number): boolean {
  return byte === CLOSE_BRACE || byte === CLOSE_BRACKET;
}

function keyOf(text: string, start: number, end: number): string | undefined {
  const raw = text.slice(start + 1, end - 1);
  return raw.includes('\\')
    ? stringAt(Buffer.from(text.slice(start, end), 'latin1'), { start: 0, end: end - start })
    : raw;
}
