import type { Endpoint } from '../endpoint.ts';
import { decodedBody, isEncoded } from './decoded-body.ts';
import type { IncomingRequest } from './incoming-request.ts';

/** The client's bytes, without the content coding that routing and engines do not read; a path that the router does not know keeps it. */
export async function readBody(
  request: IncomingRequest,
  { family }: Pick<Endpoint, 'family'>,
  maxBytes: number,
): Promise<Buffer> {
  const body = await request.body(maxBytes);
  const { 'content-encoding': coding } = request.headers;
  if (!isEncoded(coding) || family === 'other') return body;
  const decoded = await decodedBody(body, coding, maxBytes);
  delete request.headers['content-encoding'];
  return decoded;
}
