import { STATUS_CODES } from 'node:http';
import { type HttpErrorCode, internalError, RouterError } from '../errors/errors.ts';
import { anthropicError } from './anthropic-error.ts';
import type { Reply } from './edge/reply.ts';
import type { ErrorShape } from './endpoint.ts';

/** Errors that close the connection: its next bytes may belong to the body, or the router is shutting down. */
const CLOSING: ReadonlySet<HttpErrorCode> = new Set(['payload_too_large', 'draining']);
const JSON_TYPE = 'application/json';

/** Adds headers, as name, value, name, value …, to an answer that is still to be made. */
export function setHeaders(reply: Reply, headers: readonly string[]): void {
  for (let i = 0; i < headers.length; i += 2) reply.setHeader(headers[i] as string, headers[i + 1] as string);
}

/** Answers with plain text. */
export function sendText(reply: Reply, status: number, text: string): void {
  sendTextBytes(reply, status, Buffer.from(text));
}

/** Answers with plain text in UTF-8. */
export function sendTextBytes(reply: Reply, status: number, bytes: Buffer): void {
  reply.send(status, 'text/plain; charset=utf-8', bytes);
}

/** Answers with JSON. */
export function sendJson(reply: Reply, status: number, value: unknown): void {
  sendJsonText(reply, status, JSON.stringify(value));
}

/** Answers with JSON text. */
export function sendJsonText(reply: Reply, status: number, text: string): void {
  reply.send(status, JSON_TYPE, Buffer.from(text));
}

/** The error object that OpenAI clients read. */
export function errorObject({ status, code, message, details }: RouterError): Readonly<Record<string, unknown>> {
  return { type: STATUS_CODES[status], code, message, ...details };
}

/** Answers with a JSON error object, as an API with errors of that shape words it; anything but a RouterError is a 500. Returns the code that it has. */
export function sendError(reply: Reply, error: unknown, shape: ErrorShape = 'openai'): HttpErrorCode {
  const known = error instanceof RouterError ? error : internalError(error);
  reply.setHeader('x-smg-error-code', known.code);
  // OpenAI's and Anthropic's clients send a request again after a 5xx unless they are told not to.
  if (known.final) reply.setHeader('x-should-retry', 'false');
  if (known.retryAfterSecs !== undefined) reply.setHeader('retry-after', String(known.retryAfterSecs));
  if (CLOSING.has(known.code)) reply.close();
  sendJson(reply, known.status, shape === 'anthropic' ? anthropicError(known) : { error: errorObject(known) });
  return known.code;
}
