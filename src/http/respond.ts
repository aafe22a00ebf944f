import { type ServerResponse, STATUS_CODES } from 'node:http';
import { type HttpErrorCode, RouterError } from '../errors.ts';

/** After these the connection is of no more use: the rest of the body would be read as a request, or the router is leaving. */
const CLOSING: ReadonlySet<HttpErrorCode> = new Set(['payload_too_large', 'draining']);
/** Answered before the body was read; most clients look for an answer only after they have sent it all. */
const EARLY: ReadonlySet<HttpErrorCode> = new Set(['payload_too_large', 'draining', 'unauthorized']);
const LINGER_MS = 10_000;
const JSON_TYPE = 'application/json';

/** Headers as name, value, name, value … for an answer that is still to be made. */
export function setHeaders(response: ServerResponse, headers: readonly string[]): void {
  for (let i = 0; i < headers.length; i += 2) response.setHeader(headers[i] as string, headers[i + 1] as string);
}

/** Answers with plain text. */
export function sendText(response: ServerResponse, status: number, text: string): void {
  send(response, status, 'text/plain; charset=utf-8', text);
}

/** Answers with JSON. */
export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  sendJsonText(response, status, JSON.stringify(value));
}

/** Answers with JSON that is text already. */
export function sendJsonText(response: ServerResponse, status: number, text: string): void {
  send(response, status, JSON_TYPE, text);
}

/** The error object that OpenAI clients read. */
export function errorObject({ status, code, message, details }: RouterError): Readonly<Record<string, unknown>> {
  return { type: STATUS_CODES[status], code, message, ...details };
}

/** Answers with a JSON error object; anything but a RouterError is a 500. Returns the code that it has. */
export function sendError(response: ServerResponse, error: unknown): HttpErrorCode {
  const known =
    error instanceof RouterError
      ? error
      : new RouterError('internal_error', 'the router failed on this request; its log has the reason');
  response.setHeader('x-smg-error-code', known.code);
  // OpenAI's and Anthropic's clients send a request again after a 502 unless they are told not to.
  if (known.code === 'worker_died') response.setHeader('x-should-retry', 'false');
  if (known.retryAfterSecs !== undefined) response.setHeader('retry-after', String(known.retryAfterSecs));
  if (!response.req.complete || CLOSING.has(known.code)) response.setHeader('connection', 'close');
  const text = JSON.stringify({ error: errorObject(known) });
  send(response, known.status, JSON_TYPE, text, !response.req.complete && EARLY.has(known.code));
  return known.code;
}

function send(response: ServerResponse, status: number, contentType: string, text: string, lingers = false): void {
  const body = Buffer.from(text);
  response.writeHead(status, { 'content-type': contentType, 'content-length': body.length });
  if (!lingers) {
    response.end(body);
    return;
  }
  response.write(body);
  endAfterRequest(response);
}

/** Keeps the connection until the client has sent its body, which is dropped: closed before, it would show a reset instead of the answer. */
function endAfterRequest(response: ServerResponse): void {
  const end = () => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, LINGER_MS).unref();
  response.req.once('end', end).once('close', end).resume();
}
