import type { RouterError } from '../errors/errors.ts';
import { anthropicError } from '../http/anthropic-error.ts';
import type { ErrorShape } from '../http/endpoint.ts';
import { errorObject } from '../http/respond.ts';

const LF = 0x0a;
const CR = 0x0d;

/** The bytes that end a stream which broke off: an error event in the API's `shape`, without any sign of completeness. `last` is what the client got last, as a cut event must be ended first. */
export function terminalEvent(shape: ErrorShape, error: RouterError, last: Buffer | undefined): Buffer {
  return Buffer.from(`${endsEvent(last) ? '' : '\n\n'}${eventOf(shape, error, last)}`);
}

function eventOf(shape: ErrorShape, error: RouterError, last: Buffer | undefined): string {
  const { code, message } = error;
  if (shape === 'anthropic') {
    return event('error', anthropicError(error));
  }
  if (shape === 'responses') {
    return event('error', { type: 'error', code, message, param: null, sequence_number: nextNumber(last) });
  }
  return `data: ${JSON.stringify({ error: errorObject(error) })}\n\n`;
}

function event(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

function endsEvent(last: Buffer | undefined): boolean {
  if (!last) return true;
  const end = last.length - 1;
  if (last[end] !== LF) return false;
  return last[end - 1] === LF || (last[end - 1] === CR && last[end - 2] === LF);
}

/** The number of the next event, as this API numbers its events. */
function nextNumber(last: Buffer | undefined): number {
  const number = /.*"sequence_number": ?(\d+)/s.exec(last?.toString('latin1') ?? '')?.[1];
  return number === undefined ? 0 : Number(number) + 1;
}
