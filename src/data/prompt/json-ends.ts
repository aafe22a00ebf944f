import { decodedKey, findFields, isClosing, isSpace, type JsonField, visitFields } from './json-scan.ts';

/** So much of the beginning of a body is looked at: a million tokens of text, which takes 0.3 ms where it is prose, 20 where it is code. All of 256 MB would take a second. */
const BEGINNING_BYTES = 4 * 2 ** 20;
/** Bytes of the end that are read, where clients write the model and whether they stream. */
const END_BYTES = 64 * 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
/** Means that a position was not found. */
const NONE = -1;

/** The part of a body that is read; usually all of it. */
export function beginningOf(body: Buffer): Buffer {
  return body.length <= BEGINNING_BYTES ? body : body.subarray(0, BEGINNING_BYTES);
}

/**
 * Finds the fields of a body, as `findFields` does. In a large body it reads only the beginning and the last 64 KiB, which takes some
 * milliseconds at any size; a value beyond the beginning is cut there.
 */
export function findFieldsNearEnds(body: Buffer, keys: ReadonlySet<string>): Map<string, JsonField> | undefined {
  if (body.length <= BEGINNING_BYTES) return findFields(body, keys);
  const found = new Map<string, JsonField>();
  visitFields(beginningOf(body), keys, (key, field) => found.set(key, field), true);
  const base = body.length - END_BYTES;
  for (const [name, { key, start, end }] of fieldsBefore(body.subarray(base), keys)) {
    found.set(name, { key: base + key, start: base + start, end: base + end });
  }
  return found;
}

/** Finds the last fields of an object that `body` is the end of, reading backwards, which works as every quote in a string is escaped. */
function fieldsBefore(body: Buffer, keys: ReadonlySet<string>): Map<string, JsonField> {
  const found = new Map<string, JsonField>();
  let at = spaceBefore(body, body.length);
  if (body[at - 1] !== CLOSE_BRACE) return found;
  at--;
  for (;;) {
    const end = spaceBefore(body, at);
    const start = valueBefore(body, end);
    if (start === NONE) return found;
    const colon = spaceBefore(body, start) - 1;
    const keyEnd = spaceBefore(body, colon);
    const key = body[colon] === COLON ? stringBefore(body, keyEnd) : NONE;
    if (key === NONE) return found;
    const name = decodedKey(body, key, keyEnd);
    if (name !== undefined && keys.has(name) && !found.has(name)) found.set(name, { key, start, end });
    at = spaceBefore(body, key) - 1;
    if (body[at] !== COMMA) return found;
  }
}

/** The position after the last character before `at` that is not white space. */
function spaceBefore(body: Buffer, at: number): number {
  let i = at;
  while (i > 0 && isSpace(body[i - 1])) i--;
  return i;
}

/** Where the value that ends at `end` begins; NONE if that was cut off. */
function valueBefore(body: Buffer, end: number): number {
  const last = body[end - 1] ?? NONE;
  if (last === QUOTE) return stringBefore(body, end);
  if (isClosing(last)) return nestedBefore(body, end);
  let i = end;
  while (i > 0 && isScalar(body[i - 1] as number)) i--;
  return i === end || i === 0 ? NONE : i;
}

function nestedBefore(body: Buffer, end: number): number {
  let depth = 0;
  for (let i = end; i > 0; ) {
    const byte = body[i - 1];
    if (byte === QUOTE) {
      i = stringBefore(body, i);
      if (i === NONE) return NONE;
      continue;
    }
    i--;
    if (isClosing(byte)) depth++;
    else if ((byte === OPEN_BRACE || byte === OPEN_BRACKET) && --depth === 0) return i;
  }
  return NONE;
}

/** Where the string begins whose closing quote is just before `end`. */
function stringBefore(body: Buffer, end: number): number {
  if (body[end - 1] !== QUOTE) return NONE;
  for (let quote = end - 2; quote >= 0; quote--) {
    if (body[quote] !== QUOTE) continue;
    let before = quote;
    while (before > 0 && body[before - 1] === BACKSLASH) before--;
    // A backslash at the very beginning may itself be escaped.
    if (before === 0) return NONE;
    if ((quote - before) % 2 === 0) return quote;
    quote = before;
  }
  return NONE;
}

/** Whether a byte may be part of a number, `true`, `false` or `null`. */
function isScalar(byte: number): boolean {
  return (
    byte > 0x20 &&
    byte !== COMMA &&
    byte !== COLON &&
    byte !== QUOTE &&
    !isClosing(byte) &&
    byte < 0x7b &&
    byte !== OPEN_BRACKET
  );
}
