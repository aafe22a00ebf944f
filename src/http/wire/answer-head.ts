import type { IncomingHttpHeaders } from 'node:http';
import { HTTPParserError } from 'undici/lib/core/errors.js';
import { TOKEN, VALUE } from './grammar.ts';

export interface AnswerHead {
  readonly status: number;
  readonly statusText: string;
  /** Names in lower case; of a name given several times all values, in a list. */
  readonly headers: IncomingHttpHeaders;
  /** The connection may carry another exchange after this one. */
  readonly reusable: boolean;
  /** Bytes of the body; undefined where it ends with the connection. */
  readonly length: number | 'chunked' | undefined;
}

type Headers = Record<string, string | string[]>;

/** Makes headers that inherit nothing, as one may be called `constructor`; `Object.create(null)` takes three times as long to fill. */
const HeadersMap = function HeadersMap() {} as unknown as new () => Headers;
HeadersMap.prototype = Object.create(null);

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/;
const LENGTH = /^\d{1,15}$/;
const CLOSES = /(?:^|[,\s])close(?:$|[,\s])/i;
const KEEPS = /(?:^|[,\s])keep-alive(?:$|[,\s])/i;

/**
 * Reads status line and headers, without the empty line after them. Throws HTTPParserError for what RFC 9112 does not allow,
 * and where a recipient could disagree on how long the body is.
 */
export function parseHead(text: string): AnswerHead {
  let end = lineEnd(text, 0);
  const [, minor, code, statusText = ''] = STATUS_LINE.exec(text.slice(0, end)) ?? [];
  if (code === undefined)
    throw new HTTPParserError(
      `expected HTTP/1.1 and a status, got ${JSON.stringify(text.slice(0, Math.min(end, 40)))}`,
    );
  const headers = new HeadersMap();
  while (end < text.length) {
    const start = end + 2;
    end = lineEnd(text, start);
    addHeader(headers, text, start, end);
  }
  const { connection = '' } = headers as IncomingHttpHeaders;
  const isNew = minor === '1';
  const reusable = (isNew || KEEPS.test(connection)) && !CLOSES.test(connection);
  return { status: Number(code), statusText, headers, reusable, length: lengthOf(headers, isNew) };
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\r\n', from);
  return end < 0 ? text.length : end;
}

function addHeader(headers: Headers, text: string, start: number, end: number): void {
  const colon = text.indexOf(':', start);
  const name = text.slice(start, colon).toLowerCase();
  const value = unpadded(text, colon + 1, end);
  if (colon < 0 || colon >= end || !TOKEN.test(name) || !VALUE.test(value)) {
    throw new HTTPParserError(`expected a header, got ${JSON.stringify(text.slice(start, Math.min(end, start + 40)))}`);
  }
  const before = headers[name];
  if (before === undefined) headers[name] = value;
  else if (Array.isArray(before)) before.push(value);
  else headers[name] = [before, value];
}

/** Without the spaces and tabs around it; `trim` would take line feeds too. */
function unpadded(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function lengthOf(headers: IncomingHttpHeaders, isNew: boolean): AnswerHead['length'] {
  const { 'transfer-encoding': coding, 'content-length': length } = headers;
  if (coding !== undefined) {
    if (length !== undefined) throw new HTTPParserError('expected content-length or transfer-encoding, got both');
    if (String(coding).toLowerCase() !== 'chunked' || !isNew) {
      throw new HTTPParserError(`expected no transfer-encoding but chunked, got ${JSON.stringify(coding)}`);
    }
    return 'chunked';
  }
  if (length === undefined) return undefined;
  if (!LENGTH.test(length)) throw new HTTPParserError(`expected one content-length, got ${JSON.stringify(length)}`);
  return Number(length);
}
