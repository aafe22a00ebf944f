import type { RouterError } from '../errors/errors.ts';

/** Status → error type, as Anthropic's API documents them. */
const TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
};

/** The error object that Anthropic's clients read, with the router's own code and details in it. */
export function anthropicError({ status, code, message, details }: RouterError): Readonly<Record<string, unknown>> {
  const type = TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error');
  return { type: 'error', error: { type, message, code, ...details } };
}
