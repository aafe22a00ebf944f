import { BACKSLASH, CLOSE_BRACKET, COLON, COMMA, OPEN_BRACE, OPEN_BRACKET, QUOTE } from './json-characters.ts';
import { isClosing, isSpace, ObjectWalk, skipSpace, skipValue } from './json-scan.ts';
import { isMedia, LEAST_MEDIA_BYTES, writeStandIn } from './media.ts';
import { NextByte } from './next-byte.ts';
import { isEscapeOfTaste, writeUnescaped } from './unescape.ts';

/** Marks before the parts of a prompt, which cannot occur in a JSON string. */
const MESSAGE = 0x01;
const CONTENT = 0x02;
const TOKENS = 0x03;
const OTHER = 0x04;
const NEXT_TEXT = 0x05;
const NAMED = 0x06;

const LETTER_N = 0x6e;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;

/** Bytes that are read or copied one by one before a native call, which costs as much. */
const NEAR_BYTES = 48;
const FEW_BYTES = 20;
/** Depth to which tool results within messages are read as parts. */
const MOST_DEPTH = 4;
/** Room for marks and names beyond the bytes that are read. */
const SLACK_BYTES = 256;
const NOTHING: Buffer = Buffer.alloc(0);

/**
 * Writes prompts, one after another, as chat templates see them: roles and text without the JSON around them, so that a prompt has the
 * same bytes however it is spelled. Images, tools and tool calls stay JSON without white space. Broken JSON is read as far as it goes.
 */
export class PromptText {
  #out = Buffer.allocUnsafe(64 * 1024);
  #length = 0;
  #body = NOTHING;
  readonly #quotes = new NextByte(QUOTE);
  readonly #backslashes = new NextByte(BACKSLASH);

  /** The bytes written since `begin`, valid until the next prompt begins. */
  get bytes(): Uint8Array {
    return this.#out.subarray(0, this.#length);
  }

  get length(): number {
    return this.#length;
  }

  begin(): void {
    this.#length = 0;
  }

  /** Reads the following parts from `body`. */
  read(body: Buffer): void {
    if (body === this.#body) return;
    this.#body = body;
    this.#quotes.reset();
    this.#backslashes.reset();
    // A digit and a comma may become four bytes.
    const needed = this.#length + 2 * body.length + SLACK_BYTES;
    if (needed <= this.#out.length) return;
    const larger = Buffer.allocUnsafe(2 ** Math.ceil(Math.log2(needed)));
    larger.set(this.bytes);
    this.#out = larger;
  }

  /** Releases the body; the prompt stays. */
  end(): void {
    this.#body = NOTHING;
  }

  /** Writes a name that separates prompts whatever they say: an adapter, a salt. */
  named(name: string, at: number): void {
    this.#mark(NAMED, name);
    this.#value(at);
  }

  /** Writes the tools; an empty list counts as none. */
  tools(at: number): void {
    this.#optional(at);
  }

  /** Writes the system prompt: a text, or a list of parts. */
  system(at: number): void {
    this.#mark(MESSAGE, 'system');
    this.#content(at, 0);
  }

  /** Writes a list of messages, or a text of the user. */
  messages(at: number): void {
    if (this.#body[at] === OPEN_BRACKET) {
      this.#elements(at, (message) => this.#message(message));
      return;
    }
    this.#mark(MESSAGE, 'user');
    this.#content(at, 0);
  }

  /** Writes a text, its token ids, or a list of either. */
  plain(at: number): void {
    if (this.#startsWithNumber(at)) this.#tokens(at);
    else if (this.#body[at] !== OPEN_BRACKET) this.#textOrValue(at);
    else {
      const begun = this.#length;
      this.#elements(at, (text) => {
        if (this.#length > begun) this.#byte(NEXT_TEXT);
        return this.#textOrValue(text);
      });
    }
  }

  #byte(byte: number): void {
    this.#out[this.#length++] = byte;
  }

  #mark(mark: number, name: string): void {
    this.#byte(mark);
    this.#length += this.#out.write(name, this.#length, 'latin1');
    this.#byte(CONTENT);
  }

  /** Reads the list at `at`; returns the position after it, beyond the body where it is broken. */
  #elements(at: number, read: (at: number) => number): number {
    const body = this.#body;
    let i = skipSpace(body, at + 1);
    while (body[i] !== CLOSE_BRACKET) {
      const end = read(i);
      if (end <= i || end > body.length) return body.length + 1;
      i = skipSpace(body, end);
      if (body[i] === COMMA) i = skipSpace(body, i + 1);
      else if (body[i] !== CLOSE_BRACKET) return body.length + 1;
    }
    return i + 1;
  }

  /** Writes one message: role, content and tool calls, which is all that templates show. */
  #message(at: number): number {
    const body = this.#body;
    if (body[at] !== OPEN_BRACE) return this.#value(at);
    const begun = this.#length;
    let role = -1;
    let content = -1;
    let calls = -1;
    let written = false;
    const walk = new ObjectWalk(body, at);
    for (let end = 0; walk.next(end); ) {
      end = 0;
      if (isKey(body, walk, ROLE)) {
        role = walk.start;
        written = false;
      } else if (isKey(body, walk, CONTENT_KEY)) {
        content = walk.start;
        // Clients usually write the role first, so the content is read only once.
        if (role >= 0) end = this.#roleAndContent(begun, role, content);
        written = role >= 0;
      } else if (isKey(body, walk, TOOL_CALLS)) calls = walk.start;
      end ||= skipValue(body, walk.start);
      if (end === walk.start) return body.length + 1;
      if (end > body.length) break;
    }
    if (role < 0) {
      this.#length = begun;
      this.#byte(MESSAGE);
      return this.#value(at);
    }
    if (!written) this.#roleAndContent(begun, role, content);
    if (calls >= 0) this.#optional(calls);
    return walk.end || body.length + 1;
  }

  /** Returns the position after the content. */
  #roleAndContent(begun: number, role: number, content: number): number {
    this.#length = begun;
    this.#byte(MESSAGE);
    this.#textOrValue(role);
    this.#byte(CONTENT);
    return content < 0 ? content : this.#content(content, 0);
  }

  /** Writes a message's content: a text, a list of parts, or none. */
  #content(at: number, depth: number): number {
    const first = this.#body[at];
    if (first === LETTER_N) return skipValue(this.#body, at);
    if (first === OPEN_BRACKET) return this.#elements(at, (part) => this.#part(part, depth));
    return this.#textOrValue(at);
  }

  /** Writes one part: its text, or that of a tool result; any other part as JSON. */
  #part(at: number, depth: number): number {
    const body = this.#body;
    if (body[at] !== OPEN_BRACE) return this.#textOrValue(at);
    const begun = this.#length;
    let content = -1;
    let isResult = false;
    let hasText = false;
    const walk = new ObjectWalk(body, at);
    for (let end = 0; walk.next(end); ) {
      end = 0;
      if (isKey(body, walk, TEXT) && body[walk.start] === QUOTE) {
        this.#length = begun;
        end = this.#string(walk.start);
        hasText = true;
      } else if (isKey(body, walk, CONTENT_KEY)) content = walk.start;
      else if (isKey(body, walk, TOOL_USE_ID)) isResult = true;
      end ||= skipValue(body, walk.start);
      if (end === walk.start) return body.length + 1;
      if (end > body.length) break;
    }
    if (hasText) return walk.end || body.length + 1;
    this.#byte(OTHER);
    if (!isResult || content < 0 || depth === MOST_DEPTH) return this.#value(at, true);
    this.#content(content, depth + 1);
    return walk.end || body.length + 1;
  }

  /** Writes a value unless it is null or an empty list. */
  #optional(at: number): void {
    const body = this.#body;
    const isEmpty = body[at] === OPEN_BRACKET && body[skipSpace(body, at + 1)] === CLOSE_BRACKET;
    if (isEmpty || body[at] === LETTER_N) return;
    this.#byte(OTHER);
    this.#value(at);
  }

  #textOrValue(at: number): number {
    return this.#body[at] === QUOTE ? this.#string(at) : this.#value(at);
  }

  /** Writes any value as JSON without white space and without `cache_control`, which clients move from turn to turn. */
  #value(at: number, hasMedia = false): number {
    const first = this.#body[at];
    if (first === QUOTE) return this.#quoted(at, hasMedia);
    if (isOpening(first)) return this.#nested(at, hasMedia);
    const end = skipValue(this.#body, at);
    this.#copy(at, end);
    return end;
  }

  #nested(at: number, hasMedia: boolean): number {
    const body = this.#body;
    let depth = 0;
    // A comma is written only with the element after it, which may be left out.
    let comma = false;
    for (let i = at; i < body.length; ) {
      const byte = body[i] as number;
      const isQuote = byte === QUOTE;
      const next = isQuote ? skipCacheControl(body, i) : i + 1;
      if (byte === COMMA) comma = true;
      if (byte === COMMA || isSpace(byte) || (isQuote && next > i)) {
        i = next;
        continue;
      }
      if (comma && !isClosing(byte) && !isOpening(this.#out[this.#length - 1])) this.#byte(COMMA);
      comma = false;
      if (isQuote) {
        i = this.#quoted(i, hasMedia);
        continue;
      }
      this.#byte(byte);
      i++;
      if (isOpening(byte)) depth++;
      else if (isClosing(byte) && --depth === 0) return i;
    }
    return body.length + 1;
  }

  #quoted(at: number, hasMedia: boolean): number {
    this.#byte(QUOTE);
    const begun = this.#length;
    const end = this.#string(at);
    const bytes = this.#length - begun;
    if (hasMedia && bytes >= LEAST_MEDIA_BYTES) {
      const media = this.#out.subarray(begun, this.#length);
      if (isMedia(media)) this.#length = begun + writeStandIn(media, this.#out, begun);
    }
    this.#byte(QUOTE);
    return end;
  }

  /** Writes the string at `at` without quotes, escaped as most encoders do; returns the position after it. */
  #string(at: number): number {
    const body = this.#body;
    let copied = at + 1;
    let i = at + 1;
    while (i < body.length) {
      let near = Math.min(i + NEAR_BYTES, body.length);
      while (i < near) {
        const byte = body[i];
        if (byte === QUOTE) {
          this.#copy(copied, i);
          return i + 1;
        }
        if (byte !== BACKSLASH) {
          i++;
          continue;
        }
        if (isEscapeOfTaste(body, i)) {
          this.#copy(copied, i);
          i = this.#unescape(i);
          copied = i;
        } else i += 2;
        near = Math.min(i + NEAR_BYTES, body.length);
      }
      if (i < body.length) i = Math.min(this.#quotes.at(body, i), this.#backslashes.at(body, i));
    }
    this.#copy(copied, body.length);
    return body.length + 1;
  }

  #unescape(at: number): number {
    const { end, length } = writeUnescaped(this.#body, at, this.#out, this.#length);
    this.#length = length;
    return end;
  }

  #copy(start: number, end: number): void {
    const body = this.#body;
    const out = this.#out;
    const to = this.#length;
    const count = end - start;
    if (count > FEW_BYTES) body.copy(out, to, start, end);
    else for (let i = 0; i < count; i++) out[to + i] = body[start + i] as number;
    this.#length = to + Math.max(0, count);
  }

  #startsWithNumber(at: number): boolean {
    const body = this.#body;
    let i = at;
    while (body[i] === OPEN_BRACKET || isSpace(body[i])) i++;
    return i > at && (isDigit(body[i]) || body[i] === MINUS);
  }

  /** Writes token ids, four bytes each, as a token's text has about four. Each list but the first begins with a mark. */
  #tokens(at: number): void {
    const body = this.#body;
    const out = this.#out;
    this.#byte(TOKENS);
    let to = this.#length;
    let ended = false;
    let depth = 0;
    for (let i = at; i < body.length; ) {
      let byte = body[i++] as number;
      if (byte >= ZERO && byte <= NINE) {
        if (ended) to = writeToken(-1, out, to);
        ended = false;
        let id = 0;
        for (; byte >= ZERO && byte <= NINE && i <= body.length; byte = body[i++] ?? COMMA)
          id = (id * 10 + byte - ZERO) | 0;
        to = writeToken(id, out, to);
      }
      if (byte === OPEN_BRACKET) depth++;
      if (byte !== CLOSE_BRACKET) continue;
      ended = true;
      if (--depth <= 0) break;
    }
    this.#length = to;
  }
}

const ROLE = '"role"';
const CONTENT_KEY = '"content"';
const TOOL_CALLS = '"tool_calls"';
const TEXT = '"text"';
const TOOL_USE_ID = '"tool_use_id"';
const CACHE_CONTROL = '"cache_control"';

function isKey(body: Buffer, { key, keyEnd }: ObjectWalk, name: string): boolean {
  return keyEnd - key === name.length && standsAt(body, key, name);
}

function standsAt(body: Buffer, at: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) if (body[at + i] !== name.charCodeAt(i)) return false;
  return true;
}

/** The position after a field `cache_control` at `at`; `at` itself for any other field. */
function skipCacheControl(body: Buffer, at: number): number {
  if (!standsAt(body, at, CACHE_CONTROL)) return at;
  const colon = skipSpace(body, at + CACHE_CONTROL.length);
  return body[colon] === COLON ? skipValue(body, skipSpace(body, colon + 1)) : at;
}

/** Returns the position after it. */
function writeToken(id: number, out: Buffer, at: number): number {
  out[at] = id;
  out[at + 1] = id >> 8;
  out[at + 2] = id >> 16;
  out[at + 3] = id >> 24;
  return at + 4;
}

function isOpening(byte: number | undefined): boolean {
  return byte === OPEN_BRACE || byte === OPEN_BRACKET;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}
