import type { IncomingHttpHeaders } from 'node:http';
import { HTTPParserError } from 'undici/lib/core/errors.js';
import { lineEnd, type Repeated, readHeaders } from '../wire/header-lines.ts';

interface AnswerHead {
  readonly status: number;
  readonly statusText: string;
  /** Names in lower case; a repeated name has a list of values. */
  readonly headers: IncomingHttpHeaders;
  /** Whether the connection may carry another call. */
  readonly reusable: boolean;
  /** Bytes of the body; undefined if it ends with the connection. */
  readonly length: number | 'chunked' | undefined;
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/;
const LENGTH = /^\d{1,15}$/;
const CLOSES = /(?:^|[,\s])close(?:$|[,\s])/i;
const KEEPS = /(?:^|[,\s])keep-alive(?:$|[,\s])/i;

/**
 * Reads status line and headers, without the empty line after them. Throws HTTPParserError for what RFC 9112 does not allow,
 * and where a recipient could disagree on how long the body is.
 */
export function parseHead(text: string): AnswerHead {
  const end = lineEnd(text, 0);
  const [, minor, code, statusText = ''] = STATUS_LINE.exec(text.slice(0, end)) ?? [];
  if (code === undefined)
    throw new HTTPParserError(
      `expected HTTP/1.1 and a status, got ${JSON.stringify(text.slice(0, Math.min(end, 40)))}`,
    );
  const headers = readHeaders(text, end + 2, listed);
  if (typeof headers === 'string') throw new HTTPParserError(headers);
  const { connection = '' } = headers as IncomingHttpHeaders;
  const isNew = minor === '1';
  const reusable = (isNew || KEEPS.test(connection)) && !CLOSES.test(connection);
  return { status: Number(code), statusText, headers, reusable, length: lengthOf(headers, isNew) };
}

const listed: Repeated = (before, value) => (Array.isArray(before) ? [...before, value] : [before, value]);

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
