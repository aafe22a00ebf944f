import { type IncomingHttpHeaders, METHODS } from 'node:http';
import { RouterError } from '../../errors/errors.ts';
import { offeredUpgrade } from '../upgrade.ts';
import { lineEnd, type Repeated, readHeaders } from '../wire/header-lines.ts';

/** Request line and headers of a request, as RFC 9112 has them. */
export interface RequestHead {
  readonly method: string;
  /** The request target as it was sent: `/path?query`, `*`, or `http://host/path`. */
  readonly url: string;
  /** 0 for HTTP/1.0, which has no chunked coding and no persistent connections by default. */
  readonly minor: 0 | 1;
  /** Names in lower case; repeated headers are joined as Node's own server does. */
  readonly headers: IncomingHttpHeaders;
  /** Length of the body. */
  readonly length: number | 'chunked';
  /** Whether the client may send another request over the connection. */
  readonly keepsAlive: boolean;
  /** The protocols to which the client offers to upgrade; undefined if none. */
  readonly upgrade: string | undefined;
}

/** The request line with exactly one space between its parts. */
const REQUEST_LINE = /^([A-Z-]{1,20}) ((?:\/|\*|[Hh][Tt][Tt][Pp][Ss]?:\/\/(?=[^#?]))[\x21-\x7e]*) HTTP\/1\.([01])$/;
/** What may stand before the path in `http://host/path`; an empty host is refused (RFC 9110 §4.2.1). */
const AUTHORITY = /^https?:\/\/(?!(?:[^/?@]*@)?(?:[:/?]|$))[0-9A-Za-z\-._~!$&'()*+,;=:@%[\]]*(?:[/?]|$)/i;
/** Matches a tab in this header, which readers understand differently. */
const TAB_IN_CODING = /\r\ntransfer-encoding:[^\r]*\t/i;
const LENGTH = /^\d{1,15}$/;
export const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS);
/** Headers of which the first counts, as in Node's own server. */
const SINGLE: ReadonlySet<string> = new Set([
  ...['age', 'authorization', 'content-type', 'etag', 'expires', 'from', 'if-modified-since', 'if-unmodified-since'],
  ...['last-modified', 'location', 'max-forwards', 'proxy-authorization', 'referer', 'retry-after', 'server'],
  'user-agent',
]);

/** Reads a head without the empty line after it. Throws RouterError `bad_request` for what could be read in two ways. */
export function parseRequestHead(text: string): RequestHead {
  const end = lineEnd(text, 0);
  const line = text.slice(0, end);
  const [, method = '', url = '', digit] = REQUEST_LINE.exec(line) ?? [];
  if (!KNOWN_METHODS.has(method)) throw bad(`expected a method, a path and HTTP/1.1, got ${quote(line)}`);
  if (url[0] !== '/' && url[0] !== '*' && !AUTHORITY.test(url)) throw bad(`expected a path, got ${quote(url)}`);
  const minor = digit === '1' ? 1 : 0;
  let hosts = 0;
  const repeated: Repeated = (before, value, name) => {
    if (name === 'host') hosts++;
    return join(before, value, name);
  };
  const headers = readHeaders(text, end + 2, repeated);
  if (typeof headers === 'string') throw bad(headers);
  if (headers.host !== undefined) hosts++;
  if (headers['transfer-encoding'] !== undefined && TAB_IN_CODING.test(text)) {
    throw bad('expected Transfer-Encoding without tabs');
  }
  if (hosts !== 1 && (hosts > 1 || minor === 1)) throw bad(`expected one Host header, got ${hosts}`);
  const length = lengthOf(headers, minor);
  return {
    method,
    url,
    minor,
    headers,
    length,
    keepsAlive: keepsAlive(headers.connection, minor),
    upgrade: method === 'GET' && minor === 1 && length === 0 ? offeredUpgrade(headers) : undefined,
  };
}

function join(before: string | string[], value: string, name: string): string | string[] {
  if (name === 'set-cookie') return Array.isArray(before) ? [...before, value] : [before, value];
  if (name === 'content-length') throw bad('expected one Content-Length header, got several');
  if (SINGLE.has(name)) return before;
  return `${before}${name === 'cookie' ? '; ' : ', '}${value}`;
}

function lengthOf(headers: Record<string, string | string[]>, minor: 0 | 1): number | 'chunked' {
  const { 'transfer-encoding': coding, 'content-length': length } = headers;
  if (coding === undefined) {
    if (length === undefined) return 0;
    if (!LENGTH.test(String(length))) throw bad(`expected a Content-Length in digits, got ${quote(String(length))}`);
    return Number(length);
  }
  if (length !== undefined) throw bad('expected Content-Length or Transfer-Encoding, got both');
  if (String(coding).toLowerCase() === 'chunked' && minor === 1) return 'chunked';
  throw bad(`expected Transfer-Encoding "chunked" over HTTP/1.1, got ${quote(String(coding))} over HTTP/1.${minor}`);
}

function keepsAlive(connection: string | string[] | undefined, minor: 0 | 1): boolean {
  if (connection === undefined) return minor === 1;
  // The header is nearly always one of these two, so nothing needs to be split.
  if (connection === 'keep-alive') return true;
  const options = String(connection)
    .toLowerCase()
    .split(',')
    .map((option) => option.trim());
  return !options.includes('close') && (minor === 1 || options.includes('keep-alive'));
}

function bad(message: string): RouterError {
  return new RouterError('bad_request', `not valid HTTP: ${message}`);
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}
