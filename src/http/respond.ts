import { type ServerResponse, STATUS_CODES } from 'node:http';
import { RouterError } from '../errors.ts';

/** Answers with plain text. */
export function sendText(response: ServerResponse, status: number, text: string): void {
  send(response, status, 'text/plain; charset=utf-8', text);
}

/** Answers with JSON. */
export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  send(response, status, 'application/json', JSON.stringify(value));
}

/** Answers with the JSON error object that OpenAI clients read; anything but a RouterError is a 500. */
export function sendError(response: ServerResponse, error: unknown): void {
  const known =
    error instanceof RouterError
      ? error
      : new RouterError('internal_error', 'the router failed on this request; its log has the reason');
  response.setHeader('x-smg-error-code', known.code);
  if (known.retryAfterSecs !== undefined) response.setHeader('retry-after', String(known.retryAfterSecs));
  // What is left of a refused body would be read as the next request.
  if (!response.req.complete) response.setHeader('connection', 'close');
  sendJson(response, known.status, {
    error: { type: STATUS_CODES[known.status], code: known.code, message: known.message, ...known.details },
  });
}

function send(response: ServerResponse, status: number, contentType: string, text: string): void {
  const body = Buffer.from(text);
  response.writeHead(status, { 'content-type': contentType, 'content-length': body.length });
  response.end(body);
}
