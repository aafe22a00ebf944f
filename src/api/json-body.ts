import { RouterError } from '../errors/errors.ts';
import type { IncomingRequest } from '../http/edge/incoming-request.ts';
import { type Fields, kindOf } from './fields.ts';

const MAX_BYTES = 2 ** 20;

/** The JSON object in a request's body; one without fields when there is no body. Throws RouterError `bad_request` for anything else. */
export async function readJsonBody(request: IncomingRequest): Promise<Fields> {
  const text = (await readAtMost(request)).toString().trim();
  if (text === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // V8 goes on to quote what stands there, which may be a key.
    const [problem] = (error as Error).message.split(/, (?:\.\.\.)?"/, 1);
    throw new RouterError('bad_request', `expected a JSON object as body: ${problem}`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new RouterError('bad_request', `expected a JSON object as body, got ${kindOf(value)}`);
}

async function readAtMost(request: IncomingRequest): Promise<Buffer> {
  try {
    return await request.body(MAX_BYTES);
  } catch (error) {
    if (!(error instanceof RouterError) || error.code !== 'payload_too_large') throw error;
    throw new RouterError('payload_too_large', `expected a body of at most ${MAX_BYTES} bytes`);
  }
}
