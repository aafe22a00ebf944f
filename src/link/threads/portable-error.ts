import { type HttpErrorCode, RouterError } from '../../errors/errors.ts';

/** An error as it goes from one thread to another: a plain copy of one loses its class and its code. */
export interface PortableError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** The code of a system, library or router error. */
  readonly code: string | undefined;
  readonly syscall?: string | undefined;
  /** One error for each address of a host that has several. */
  readonly errors?: readonly PortableError[] | undefined;
  readonly router?: Pick<RouterError, 'retryAfterSecs' | 'final' | 'details'> | undefined;
  readonly cause?: PortableError | undefined;
}

/** Makes an error portable between threads. */
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

/** Restores a portable error in the receiving thread. */
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
