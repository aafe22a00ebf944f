import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, zstdDecompress } from 'node:zlib';
import { RouterError } from '../../errors/errors.ts';

const DECODERS: Readonly<Record<string, (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>>> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
  zstd: promisify(zstdDecompress),
};

/** Whether a body has a content coding that must be decoded before it can be read. */
export function isEncoded(coding: string | undefined): coding is string {
  return coding !== undefined && coding.trim() !== '' && coding.toLowerCase() !== 'identity';
}

/**
 * A body without its content coding (RFC 9110 §8.4). Rejects with RouterError `unsupported_media_type` for codings that are not
 * known, `payload_too_large` where it is larger than `maxBytes` then, `bad_request` where it is not in that coding.
 */
export async function decodedBody(body: Buffer, coding: string, maxBytes: number): Promise<Buffer> {
  const decode = DECODERS[coding.trim().toLowerCase()];
  if (!decode) {
    const known = Object.keys(DECODERS).join(', ');
    throw new RouterError(
      'unsupported_media_type',
      `expected Content-Encoding ${known} or none, got ${JSON.stringify(coding)}`,
    );
  }
  try {
    return await decode(body, { maxOutputLength: maxBytes });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE') {
      const most = `expected a body of at most ${maxBytes} bytes without its Content-Encoding`;
      throw new RouterError('payload_too_large', `${most}; raise --max-payload-size to allow more`);
    }
    throw new RouterError('bad_request', `expected a body in Content-Encoding ${coding}: ${message}`);
  }
}
