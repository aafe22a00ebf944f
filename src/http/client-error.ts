import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { HTTP_ERRORS, type HttpErrorCode } from '../errors.ts';

type ParserError = NodeJS.ErrnoException & { readonly reason?: string };

const BY_CODE: Readonly<Record<string, readonly [HttpErrorCode, string]>> = {
  HPE_HEADER_OVERFLOW: ['headers_too_large', 'request line and headers are larger than the router reads'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['payload_too_large', 'chunk extensions are larger than the router reads'],
  ERR_HTTP_REQUEST_TIMEOUT: ['request_timeout', 'the request did not come in time'],
};

/** Answers what never became a request, or never became a whole one, and closes the connection. */
export function answerClientError(error: ParserError, socket: Socket): void {
  const answer = answerTo(error);
  if (answer === undefined || !socket.writable || isAnswering(socket)) {
    socket.destroy();
    return;
  }
  const [code, message] = answer;
  const status = HTTP_ERRORS[code];
  const body = JSON.stringify({ error: { type: STATUS_CODES[status], code, message } });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'connection: close',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-smg-error-code: ${code}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

/** Undefined for what is no HTTP at all: a reset, a TLS handshake that failed. */
function answerTo({ code = '', reason, message }: ParserError): readonly [HttpErrorCode, string] | undefined {
  if (BY_CODE[code]) return BY_CODE[code];
  return code.startsWith('HPE_') ? ['bad_request', `not valid HTTP: ${reason ?? message}`] : undefined;
}

/** Bytes after the head of another answer would be read as part of that; Node's own handler looks at the same field. */
function isAnswering(socket: Socket): boolean {
  return (socket as { _httpMessage?: ServerResponse })._httpMessage?.headersSent ?? false;
}
