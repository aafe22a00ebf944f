import { STATUS_CODES } from 'node:http';
import { type HttpErrorCode, internalError, RouterError } from '../errors.ts';
import type { Reply } from './edge/reply.ts';

/** After this the connection is of no more use: the router is leaving. */
const CLOSING: HttpErrorCode = 'draining';
const JSON_TYPE = 'application/json';

/** Headers as name, value, name, value … for an answer that is still to be made. */
export function setHeaders(reply: Reply, headers: readonly string[]): void {
  for (let i = 0; i < headers.length; i += 2) reply.setHeader(headers[i] as string, headers[i + 1] as string);
}

/** Answers with plain text. */
export function sendText(reply: Reply, status: number, text: string): void {
  reply.send(status, 'text/plain; charset=utf-8', Buffer.from(text));
}

/** Answers with JSON. */
export function sendJson(reply: Reply, status: number, value: unknown): void {
  sendJsonText(reply, status, JSON.stringify(value));
}

/** Answers with JSON that is text already. */
export function sendJsonText(reply: Reply, status: number, text: string): void {
  reply.send(status, JSON_TYPE, Buffer.from(text));
}

/** The error object that OpenAI clients read. */
export function errorObject({ status, code, message, details }: RouterError): Readonly<Record<string, unknown>> {
  return { type: STATUS_CODES[status], code, message, ...details };
}

/** Answers with a JSON error object; anything but a RouterError is a 500. Returns the code that it has. */
export function sendError(reply: Reply, error: unknown): HttpErrorCode {
  const known = error instanceof RouterError ? error : internalError(error);
  reply.setHeader('x-smg-error-code', known.code);
  // OpenAI's and Anthropic's clients send a request again after a 502 unless they are told not to.
  if (known.code === 'worker_died') reply.setHeader('x-should-retry', 'false');
  if (known.retryAfterSecs !== undefined) reply.setHeader('retry-after', String(known.retryAfterSecs));
  if (known.code === CLOSING) reply.close();
  sendJson(reply, known.status, { error: errorObject(known) });
  return known.code;
}
