import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Family } from './errors.ts';

/** One HTTP request and its answer. */
export interface ApiCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Without the query string. */
  readonly path: string;
  readonly family: Family;
  readonly query: URLSearchParams;
  readonly body: Buffer;
}

/** Answers with JSON. */
export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  sendText(response, status, JSON.stringify(value), 'application/json');
}

/** Answers with a text; without a content type SGLang's control endpoints send none. */
export function sendText(response: ServerResponse, status: number, text: string, contentType?: string): void {
  const body = Buffer.from(text);
  const headers: Record<string, string | number> = { 'content-length': body.length };
  if (contentType !== undefined) headers['content-type'] = contentType;
  response.writeHead(status, headers);
  response.end(body);
}

/** Answers without a body. */
export function sendEmpty(response: ServerResponse, status: number): void {
  sendText(response, status, '');
}
