import { type HttpErrorCode, internalError, RouterError } from '../errors/errors.ts';
import type { CallTarget } from './assignment.ts';
import type { Failed, Outcome } from './outcome.ts';

/** Error codes of a request that cannot be sent, as for an invalid path or header. */
const NOT_SENDABLE: ReadonlySet<string> = new Set(['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED']);
/** Error codes of calls that ended because their worker was taken out. */
const TAKEN_OUT: ReadonlySet<string> = new Set(['UND_ERR_CLOSED', 'UND_ERR_DESTROYED', 'UND_ERR_ABORTED']);
/** The answer is larger than the router may hold; another server's would be too. */
const TOO_LARGE = 'worker_answer_too_large' satisfies HttpErrorCode;
const MISTAKE = 'internal_error' satisfies HttpErrorCode;
/** Error codes of a machine that cannot connect to anything. */
const EXHAUSTED: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL']);

const codeOf = (error: Error): string => (error as NodeJS.ErrnoException).code ?? '';

/** Wraps what a call threw: a RouterError was thrown on purpose, anything else is a bug of the router. */
export function thrown(error: unknown): RouterError {
  return error instanceof RouterError ? error : internalError(error);
}

/** True for a bug of the router itself, which another attempt would hit too. */
export function isMistake({ error }: Failed): boolean {
  return codeOf(error) === MISTAKE;
}

/** The cause of an attempt's end in a few words; undefined if the client left. */
export function causeOf(outcome: Outcome): string | undefined {
  if (outcome.kind === 'failed') return wordsOf(outcome.error);
  return 'status' in outcome ? `status ${outcome.status}` : undefined;
}

/** The outcome of a call that ended in an error. */
export function failed(error: Error, started: boolean, sent: boolean): Failed {
  const code = codeOf(error);
  const isOurs = EXHAUSTED.has(code) || code === TOO_LARGE || code === MISTAKE;
  const blameless = isOurs || NOT_SENDABLE.has(code) || TAKEN_OUT.has(code);
  return { kind: 'failed', error, started, sent, blameless };
}

/** Whether the server may have died of the request: its connection broke before a byte of the body, other than by the router or by invalid HTTP. */
export function mayHaveDied({ sent, started, blameless, error }: Failed): boolean {
  return sent && !started && !blameless && !(error instanceof RouterError) && !isBadResponse(error);
}

/** The error for a request that no other server gets because those that had it broke off. */
export function worksHarm(servers: readonly string[]): RouterError {
  const [first = '', second = ''] = servers;
  const which = first === second ? `worker ${first} broke off twice` : `workers ${first} and ${second} broke off`;
  return new RouterError(
    'worker_died',
    `${which} over this request: it may be what ends them, so it goes to no other`,
    {
      final: true,
    },
  );
}

/** The error for an answer that is too large for the router to hold. */
export function tooLargeToHold(server: string, mostBytes: number): RouterError {
  const got = `the answer of ${server} has more than the ${mostBytes} bytes that the router holds of it`;
  return new RouterError(TOO_LARGE, `${got}; ask for less, or raise --max-payload-size`);
}

/** True when another attempt would fail in the same way. */
export function isFinal({ error }: Failed): boolean {
  const code = codeOf(error);
  return (
    NOT_SENDABLE.has(code) || code === TOO_LARGE || code === MISTAKE || code === ('draining' satisfies HttpErrorCode)
  );
}

/** The only mapping from a failed call to what the client is told. */
export function failureOf({ error, started }: Failed, target: Pick<CallTarget, 'url'> | undefined): RouterError {
  if (error instanceof RouterError) return error;
  const code = codeOf(error);
  const cause = { cause: error };
  if (NOT_SENDABLE.has(code)) return new RouterError('bad_request', `this cannot be sent on: ${error.message}`, cause);
  if (EXHAUSTED.has(code)) {
    const message = `the router cannot open more connections (${code}); raise the limit of open files (ulimit -n)`;
    return new RouterError('too_many_connections', message, { retryAfterSecs: 1, ...cause });
  }
  const bad = isBadResponse(error);
  const broke = started ? 'broke off in the middle of its answer' : 'broke the connection before it answered';
  return new RouterError(
    bad ? 'worker_bad_response' : 'worker_connection_failed',
    `worker ${target?.url} ${bad ? 'sent what is not HTTP' : broke}: ${wordsOf(error)}`,
    cause,
  );
}

/** An error for a host with several addresses has no message; its parts do. */
function wordsOf(error: Error): string {
  return error.message || codeOf(error);
}

function isBadResponse(error: Error): boolean {
  return error.name === 'HTTPParserError' || codeOf(error) === 'UND_ERR_HEADERS_OVERFLOW';
}
