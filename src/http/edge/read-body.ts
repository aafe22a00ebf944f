import type { Endpoint } from '../endpoint.ts';
import { decodedBody, isEncoded } from './decoded-body.ts';
import type { IncomingRequest } from './incoming-request.ts';

/** Reads the body and decodes its content coding, which routing and engines do not read; unknown paths keep it. */
export async function readBody(
  request: IncomingRequest,
  { family }: Pick<Endpoint, 'family'>,
  maxBytes: number,
): Promise<Buffer> {
  const body = await request.body(maxBytes);
  const { 'content-encoding': coding } = request.headers;
  if (!isEncoded(coding) || family === 'other') return body;
  const decoded = await decodedBody(body, coding, maxBytes, request);
  delete request.headers['content-encoding'];
  return decoded;
}
