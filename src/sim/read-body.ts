import type { IncomingMessage } from 'node:http';
import { RouterError } from '../errors/errors.ts';
import { ClientGoneError } from '../http/client-gone.ts';

const EMPTY = Buffer.alloc(0);

/**
 * The whole body in one Buffer of at most `maxBytes`. Throws RouterError `payload_too_large` as soon as the length is
 * known or passed, without keeping what came, and ClientGoneError when the connection ends first.
 */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > maxBytes) return Promise.reject(tooLarge(declared, maxBytes));
  if (declared === 0 && request.headers['transfer-encoding'] === undefined) {
    request.resume();
    return Promise.resolve(EMPTY);
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > maxBytes) {
        chunks.length = 0;
        request.removeAllListeners('data');
        request.pause();
        reject(tooLarge(length, maxBytes));
      } else chunks.push(chunk);
    });
    // A body that came in one piece, as nearly all do, is used where it lies.
    request.on('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, length)));
    // Comes after the end as well, where an error with its stack would cost every request 5 µs.
    const left = () =>
      request.complete || reject(new ClientGoneError('the client left before its request was complete'));
    request.on('error', left);
    request.on('close', left);
  });
}

function tooLarge(bytes: number, maxBytes: number): RouterError {
  return new RouterError(
    'payload_too_large',
    `expected a body of at most ${maxBytes} bytes, got ${bytes} or more; raise --max-payload-size to allow it`,
  );
}
