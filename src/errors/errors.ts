/** What the router itself answers with: code → HTTP status. Codes are stable; clients and tests match on them. */
export const HTTP_ERRORS = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  worker_not_found: 404,
  model_not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  worker_conflict: 409,
  too_many_workers: 409,
  payload_too_large: 413,
  expectation_failed: 417,
  unsupported_media_type: 415,
  unprocessable_entity: 422,
  too_many_requests: 429,
  headers_too_large: 431,
  internal_error: 500,
  worker_connection_failed: 502,
  worker_bad_response: 502,
  worker_answer_too_large: 502,
  worker_died: 502,
  no_available_workers: 503,
  no_usable_workers: 503,
  too_many_connections: 503,
  starting: 503,
  draining: 503,
  worker_timeout: 504,
  worker_start_timeout: 504,
  loop_detected: 508,
} as const;

/** Why a command ended: code → process exit code. 2 is what argparse uses for a wrong command line. */
const EXIT_ERRORS = {
  usage: 2,
  port_in_use: 1,
  sglang_missing: 1,
  server_start_failed: 1,
  server_start_timeout: 1,
  bench_failed: 1,
  restart_failed: 1,
  logs_unreadable: 1,
  router_unreachable: 1,
} as const;

export type HttpErrorCode = keyof typeof HTTP_ERRORS;
export type ExitErrorCode = keyof typeof EXIT_ERRORS;

/** What the system's codes mean to whoever gave the path. */
const FILE_PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of that path is a file',
  EISDIR: 'it is a folder, not a file',
  EACCES: 'this user may not read it',
  EPERM: 'this user may not read it',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  ENAMETOOLONG: 'the path is too long',
  ELOOP: 'its symbolic links form a loop',
  EMFILE: 'this process may not open more files (see `ulimit -n`)',
};

/** Why a file cannot be read, in plain words. */
export function fileProblem(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return FILE_PROBLEMS[code] ?? message;
}

/** A failure that is answered to an HTTP client as JSON. */
export class RouterError extends Error {
  readonly code: HttpErrorCode;
  readonly status: number;
  /** Seconds after which another try makes sense; sent as `Retry-After`. */
  readonly retryAfterSecs: number | undefined;
  /** The client should not send it again: it took all the time that there is, or ends servers. */
  readonly final: boolean;
  /** Further fields of the JSON error object, such as start-up progress. */
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(
    code: HttpErrorCode,
    message: string,
    options: {
      retryAfterSecs?: number;
      final?: boolean;
      details?: Readonly<Record<string, unknown>>;
      cause?: unknown;
    } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'RouterError';
    this.code = code;
    this.status = HTTP_ERRORS[code];
    this.retryAfterSecs = options.retryAfterSecs;
    this.final = options.final ?? false;
    this.details = options.details;
  }
}

/** A mistake of the router itself. Its `cause` is for the log alone. */
export function internalError(cause: unknown): RouterError {
  return new RouterError('internal_error', 'the router failed on this request; its log has the reason', { cause });
}

/** A failure that ends the command: printed as `context`, `error: message` and `hint: …`, without a stack trace. */
export class ExitError extends Error {
  readonly code: ExitErrorCode;
  readonly exitCode: number;
  readonly hint: string | undefined;
  /** Lines that led to it. They come first, so that a small terminal still shows the error and the hint. */
  readonly context: string | undefined;

  constructor(
    code: ExitErrorCode,
    message: string,
    options: { hint?: string | undefined; context?: string; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'ExitError';
    this.code = code;
    this.exitCode = EXIT_ERRORS[code];
    this.hint = options.hint;
    this.context = options.context;
  }
}
