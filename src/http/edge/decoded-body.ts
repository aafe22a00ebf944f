import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import { RouterError } from '../../errors/errors.ts';
import { ClientGoneError } from '../client-gone.ts';
import { Pieces } from '../wire/pieces.ts';
import type { IncomingRequest } from './incoming-request.ts';

const DECODERS: Readonly<Record<string, (options: { chunkSize: number }) => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
};
/** What is decoded at a time. */
const PIECE_BYTES = 64 * 1024;

/** Whether a body has a content coding that must be decoded before it can be read. */
export function isEncoded(coding: string | undefined): coding is string {
  return coding !== undefined && coding.trim() !== '' && coding.toLowerCase() !== 'identity';
}

/**
 * A body without its content coding (RFC 9110 §8.4), decoded no faster than `request` may hold it. Rejects with RouterError
 * `unsupported_media_type` for codings that are not known, `payload_too_large` where it is larger than `maxBytes` then, `bad_request`
 * where it is not in that coding.
 */
export async function decodedBody(
  body: Buffer,
  coding: string,
  maxBytes: number,
  request: Pick<IncomingRequest, 'hold' | 'holdsAll'>,
): Promise<Buffer> {
  const decode = DECODERS[coding.trim().toLowerCase()];
  if (!decode) {
    const known = Object.keys(DECODERS).join(', ');
    throw new RouterError(
      'unsupported_media_type',
      `expected Content-Encoding ${known} or none, got ${JSON.stringify(coding)}`,
    );
  }
  const decoder = decode({ chunkSize: PIECE_BYTES });
  decoder.end(body);
  const pieces = new Pieces();
  let bytes = 0;
  try {
    for await (const piece of decoder as AsyncIterable<Buffer>) {
      bytes += piece.length;
      if (bytes > maxBytes) throw tooLarge(maxBytes);
      pieces.add(piece);
      await request.hold(piece.length);
    }
  } catch (error) {
    if (error instanceof RouterError || error instanceof ClientGoneError) throw error;
    const { message } = error as Error;
    throw new RouterError('bad_request', `expected a body in Content-Encoding ${coding}: ${message}`);
  }
  request.holdsAll();
  return pieces.whole();
}

function tooLarge(maxBytes: number): RouterError {
  const most = `expected a body of at most ${maxBytes} bytes without its Content-Encoding`;
  return new RouterError('payload_too_large', `${most}; raise --max-payload-size to allow more`);
}
