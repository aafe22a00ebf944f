import { METHODS } from 'node:http';

/** One HTTP/1.1 message as a parser reads it that takes nothing but what RFC 9112 allows. */
export interface Message {
  readonly startLine: string;
  /** In order, names as written. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
  /** Where the next message begins. */
  readonly end: number;
}

export interface RequestMessage extends Message {
  readonly method: string;
  readonly target: string;
  readonly minor: 0 | 1;
}

export interface ResponseMessage extends Message {
  readonly status: number;
  readonly minor: 0 | 1;
}

/** Bytes that are no HTTP message. */
export class FramingError extends Error {
  override readonly name = 'FramingError';
}

const HEADER = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/;
const REQUEST_LINE = /^([A-Z-]+) +([\x21-\x7e]+) +HTTP\/1\.([01])$/;
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
/** Bytes above ASCII only between the quotes of an extension's value (RFC 9110 §5.6.4). */
const CHUNK_LINE = /^0*([0-9A-Fa-f]{1,16})(?:[ \t]*;[\t\x20-\x7e]*(?:"[\t\x20-\x7e\x80-\xff]*"[\t\x20-\x7e]*)?)?$/;
const BARE = /(?:^|[^\r])\n|\r(?!\n)/;

/** The request that begins at `at`; undefined while it is incomplete. Throws FramingError. */
export function readRequest(bytes: Buffer, at = 0): RequestMessage | undefined {
  // RFC 9112 §2.2: empty lines before a request are to be ignored, and a lone LF may count as one.
  while (bytes[at] === 13 || bytes[at] === 10) at++;
  const head = readHead(bytes, at);
  if (!head) return undefined;
  const [, method, target, minor] =
    REQUEST_LINE.exec(head.startLine) ?? refuse(`request line ${quote(head.startLine)}`);
  if (!METHODS.includes(method as string)) refuse(`method ${method}`);
  const hosts = valuesOf(head.headers, 'host');
  if (hosts.length > 1 || (hosts.length === 0 && minor === '1')) refuse(`${hosts.length} Host headers`);
  const length = bodyLength(head.headers, minor === '1') ?? 0;
  const body = length === 'chunked' ? readChunks(bytes, head.end) : readLength(bytes, head.end, length);
  return body && ({ ...head, ...body, method, target, minor: Number(minor) } as RequestMessage);
}

/**
 * The answer that begins at `at`; undefined while it is incomplete. `closed`: nothing more will come.
 * Throws FramingError.
 */
export function readResponse(bytes: Buffer, at: number, method: string, closed: boolean): ResponseMessage | undefined {
  const head = readHead(bytes, at);
  if (!head) return undefined;
  const [, minor, digits] = STATUS_LINE.exec(head.startLine) ?? refuse(`status line ${quote(head.startLine)}`);
  const status = Number(digits);
  const empty = method === 'HEAD' || status < 200 || status === 204 || status === 304;
  const length = empty ? 0 : bodyLength(head.headers, minor === '1');
  const body = readBody(bytes, head.end, length, closed);
  return body && ({ ...head, ...body, status, minor: Number(minor) } as ResponseMessage);
}

/** All values of a header, in order. */
export function valuesOf(headers: Message['headers'], name: string): string[] {
  return headers.filter(([one]) => one.toLowerCase() === name).map(([, value]) => value);
}

type Body = Pick<Message, 'body' | 'end'> | undefined;

function readBody(bytes: Buffer, at: number, length: number | 'chunked' | undefined, closed: boolean): Body {
  if (length === 'chunked') return readChunks(bytes, at);
  if (length !== undefined) return readLength(bytes, at, length);
  return closed ? { body: bytes.subarray(at), end: bytes.length } : undefined;
}

function readLength(bytes: Buffer, at: number, length: number): Body {
  const end = at + length;
  return end > bytes.length ? undefined : { body: bytes.subarray(at, end), end };
}

function readHead(bytes: Buffer, at: number): Pick<Message, 'startLine' | 'headers' | 'end'> | undefined {
  const blank = bytes.indexOf('\r\n\r\n', at, 'latin1');
  const text = bytes.toString('latin1', at, blank < 0 ? bytes.length : blank);
  if (BARE.test(blank < 0 ? text.replace(/\r$/, '') : text)) refuse(`a bare CR or LF in ${quote(text)}`);
  if (blank < 0) return undefined;
  const [startLine = '', ...lines] = text.split('\r\n');
  return { startLine, headers: lines.map(readHeader), end: blank + 4 };
}

function readHeader(line: string): readonly [string, string] {
  const [, name = '', value = ''] = HEADER.exec(line) ?? refuse(`header line ${quote(line)}`);
  return [name, value];
}

/** Length of the body as the headers declare it; undefined where they declare none. */
function bodyLength(headers: Message['headers'], mayChunk: boolean): number | 'chunked' | undefined {
  const lengths = valuesOf(headers, 'content-length');
  const codings = valuesOf(headers, 'transfer-encoding');
  if (codings.length > 0) {
    if (lengths.length > 0) refuse('both Content-Length and Transfer-Encoding');
    if (codings.length > 1 || codings[0]?.toLowerCase() !== 'chunked' || !mayChunk)
      refuse(`Transfer-Encoding ${codings}`);
    return 'chunked';
  }
  if (lengths.length > 1 || (lengths.length === 1 && !/^\d{1,15}$/.test(lengths[0] ?? ''))) {
    refuse(`Content-Length ${lengths.map(quote)}`);
  }
  return lengths.length === 0 ? undefined : Number(lengths[0]);
}

function readChunks(bytes: Buffer, at: number): Body {
  const chunks: Buffer[] = [];
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at, 'latin1');
    if (lineEnd < 0) return undefined;
    const line = bytes.toString('latin1', at, lineEnd);
    const size = Number.parseInt((CHUNK_LINE.exec(line) ?? refuse(`chunk size ${quote(line)}`))[1] ?? '', 16);
    if (size === 0) return readTrailers(bytes, lineEnd + 2, chunks);
    const end = lineEnd + 2 + size;
    if (bytes.length < end + 2) return undefined;
    if (bytes[end] !== 13 || bytes[end + 1] !== 10) refuse('a chunk longer than its size');
    chunks.push(bytes.subarray(lineEnd + 2, end));
    at = end + 2;
  }
}

function readTrailers(bytes: Buffer, at: number, chunks: readonly Buffer[]): Body {
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at, 'latin1');
    if (lineEnd < 0) return undefined;
    if (lineEnd === at) return { body: Buffer.concat(chunks), end: at + 2 };
    readHeader(bytes.toString('latin1', at, lineEnd));
    at = lineEnd + 2;
  }
}

function quote(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}

function refuse(what: string): never {
  throw new FramingError(what);
}
