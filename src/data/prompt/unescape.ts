const BACKSLASH = 0x5c;
const SLASH = 0x2f;
const LETTER_U = 0x75;
const HEX_DIGITS = 4;
/** Bytes of `\u` and its digits. */
const ESCAPE_BYTES = 2 + HEX_DIGITS;
const REPLACEMENT = 0xfffd;
/** All encoders escape characters below this one. */
const FIRST_PLAIN = 0x20;
/** Character with a short escape → its letter. */
const LETTERS: ReadonlyMap<number, number> = new Map(
  Array.from('"\\bfnrt', (letter) => [(JSON.parse(`"\\${letter}"`) as string).charCodeAt(0), letter.charCodeAt(0)]),
);
const HEX = new Int8Array(256).fill(-1);
for (let digit = 0; digit < 16; digit++) {
  const text = digit.toString(16);
  HEX[text.charCodeAt(0)] = HEX[text.toUpperCase().charCodeAt(0)] = digit;
}

/** Whether the backslash at `at` begins an escape that only some encoders write: `\u…`, or of a slash. */
export function isEscapeOfTaste(body: Buffer, at: number): boolean {
  const letter = body[at + 1];
  return letter === SLASH || (letter === LETTER_U && unitAt(body, at) >= 0);
}

/**
 * Writes the character of such an escape at `at` to `out` at `to`, as UTF-8 or its short escape. Half of a surrogate pair is replaced.
 * Returns the ends of both; what is written is never longer.
 */
export function writeUnescaped(
  body: Buffer,
  at: number,
  out: Buffer,
  to: number,
): { readonly end: number; readonly length: number } {
  const code = body[at + 1] === SLASH ? SLASH : codePointAt(body, at);
  const end = at + (body[at + 1] === SLASH ? 2 : code > 0xffff ? 2 * ESCAPE_BYTES : ESCAPE_BYTES);
  const letter = LETTERS.get(code);
  if (letter !== undefined) {
    out[to] = BACKSLASH;
    out[to + 1] = letter;
    return { end, length: to + 2 };
  }
  if (code < FIRST_PLAIN) return { end, length: to + out.write(`\\u00${code.toString(16).padStart(2, '0')}`, to) };
  return { end, length: writeUtf8(code, out, to) };
}

function codePointAt(body: Buffer, at: number): number {
  const unit = unitAt(body, at);
  if (unit < 0xd800 || unit > 0xdfff) return unit;
  const low = unit < 0xdc00 ? unitAt(body, at + ESCAPE_BYTES) : -1;
  return low >= 0xdc00 && low <= 0xdfff ? 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00) : REPLACEMENT;
}

/** The UTF-16 code unit of the escape at `at`; below 0 if there is none. */
function unitAt(body: Buffer, at: number): number {
  if (body[at] !== BACKSLASH || body[at + 1] !== LETTER_U) return -1;
  let unit = 0;
  for (let i = at + 2; i < at + ESCAPE_BYTES; i++) {
    const digit = HEX[body[i] ?? 0] as number;
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

/** Returns the position after it. */
function writeUtf8(code: number, out: Buffer, to: number): number {
  if (code < 0x80) {
    out[to] = code;
    return to + 1;
  }
  let at = to;
  if (code < 0x800) out[at++] = 0xc0 | (code >> 6);
  else {
    if (code < 0x10000) out[at++] = 0xe0 | (code >> 12);
    else {
      out[at++] = 0xf0 | (code >> 18);
      out[at++] = 0x80 | ((code >> 12) & 0x3f);
    }
    out[at++] = 0x80 | ((code >> 6) & 0x3f);
  }
  out[at] = 0x80 | (code & 0x3f);
  return at + 1;
}
