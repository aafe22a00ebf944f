import { RouterError } from '../errors.ts';
import type { Target } from './target.ts';

/** Failures to connect: the worker has seen nothing of the request, so another may be asked without any doubt. */
const NOT_SENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);

const codeOf = (error: Error): string => (error as NodeJS.ErrnoException).code ?? '';

/** True when nothing of the request reached the worker. */
export function neverSent(error: Error): boolean {
  return NOT_SENT.has(codeOf(error));
}

/** The only mapping from a failed call to what the client is told. */
export function failureOf(error: Error, target: Target): RouterError {
  if (error instanceof RouterError) return error;
  const bad = error.name === 'HTTPParserError' || codeOf(error) === 'UND_ERR_HEADERS_OVERFLOW';
  return new RouterError(
    bad ? 'worker_bad_response' : 'worker_connection_failed',
    `worker ${target.url} ${bad ? 'sent what is not HTTP' : 'broke the connection before it answered'}: ${error.message}`,
    { cause: error },
  );
}
