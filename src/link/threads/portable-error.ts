import { type HttpErrorCode, RouterError } from '../../errors/errors.ts';

/** An error as it goes from one thread to another: a plain copy of one loses its class and its code. */
export interface PortableError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** A system's or a library's code; of a RouterError its own. */
  readonly code: string | undefined;
  readonly syscall?: string | undefined;
  /** What was tried where a name has several addresses. */
  readonly errors?: readonly PortableError[] | undefined;
  readonly router?: Pick<RouterError, 'retryAfterSecs' | 'final' | 'details'> | undefined;
  readonly cause?: PortableError | undefined;
}

/** What an error is on its way to another thread. */
export function portable(error: unknown): PortableError {
  const { name, message, stack, code, syscall, errors, cause } = error as NodeJS.ErrnoException & AggregateError;
  const router =
    error instanceof RouterError
      ? { retryAfterSecs: error.retryAfterSecs, final: error.final, details: error.details }
      : undefined;
  return {
    ...{ name, message, stack, code, syscall, router },
    errors: errors?.map(portable),
    cause: cause instanceof Error ? portable(cause) : undefined,
  };
}

/** The error again, in the thread that it came to. */
export function errorOf(sent: PortableError): Error {
  const { name, message, stack, code, syscall, errors, router, cause } = sent;
  const options = cause && { cause: errorOf(cause) };
  if (router) {
    const { retryAfterSecs, final, details } = router;
    return new RouterError(code as HttpErrorCode, message, {
      ...options,
      ...(retryAfterSecs !== undefined && { retryAfterSecs }),
      ...(details && { details }),
      final,
    });
  }
  const error = new Error(message, options);
  return Object.assign(error, { name, stack, code, syscall }, errors && { errors: errors.map(errorOf) });
}
