import { type HttpErrorCode, RouterError } from '../errors.ts';
import type { Failed } from './outcome.ts';
import type { Target } from './target.ts';

/** The request is not one that can be sent: an invalid path, a header that must not be. */
const NOT_SENDABLE: ReadonlySet<string> = new Set(['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED']);
/** The worker was taken out meanwhile, and its connections with it. */
const TAKEN_OUT: ReadonlySet<string> = new Set(['UND_ERR_CLOSED', 'UND_ERR_DESTROYED', 'UND_ERR_ABORTED']);
/** This machine cannot connect to anybody. */
const EXHAUSTED: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL']);

const codeOf = (error: Error): string => (error as NodeJS.ErrnoException).code ?? '';

/** The outcome of a call that ended in an error. */
export function failed(error: Error, started: boolean, sent: boolean): Failed {
  const code = codeOf(error);
  const blameless = NOT_SENDABLE.has(code) || TAKEN_OUT.has(code) || EXHAUSTED.has(code);
  return { kind: 'failed', error, started, sent, blameless };
}

/** True when the worker could not be connected to, through no fault of this machine. */
export function isUnreachable({ sent, blameless, error }: Failed): boolean {
  return !sent && !blameless && !(error instanceof RouterError);
}

/** True when no other attempt can end otherwise: nothing can be sent, or nobody is there to send it. */
export function isFinal({ error }: Failed): boolean {
  const code = codeOf(error);
  return NOT_SENDABLE.has(code) || code === ('draining' satisfies HttpErrorCode);
}

/** The only mapping from a failed call to what the client is told. */
export function failureOf({ error, started }: Failed, target: Target | undefined): RouterError {
  if (error instanceof RouterError) return error;
  const code = codeOf(error);
  const cause = { cause: error };
  if (NOT_SENDABLE.has(code)) return new RouterError('bad_request', `this cannot be sent on: ${error.message}`, cause);
  if (EXHAUSTED.has(code)) {
    const message = `the router cannot open more connections (${code}); raise the limit of open files (ulimit -n)`;
    return new RouterError('too_many_connections', message, { retryAfterSecs: 1, ...cause });
  }
  const bad = error.name === 'HTTPParserError' || code === 'UND_ERR_HEADERS_OVERFLOW';
  const broke = started ? 'broke off in the middle of its answer' : 'broke the connection before it answered';
  return new RouterError(
    bad ? 'worker_bad_response' : 'worker_connection_failed',
    `worker ${target?.url} ${bad ? 'sent what is not HTTP' : broke}: ${error.message}`,
    cause,
  );
}
