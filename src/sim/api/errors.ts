/** The family of an endpoint: each words its errors in its own way. */
export type Family = 'generate' | 'openai' | 'responses' | 'anthropic' | 'plain';

/** The body cannot be read as what the endpoint takes. */
export class InvalidBodyError extends Error {
  override readonly name = 'InvalidBodyError';
  /** What the validator says: `missing`, `json_invalid`, `list_type` … */
  readonly kind: string;
  readonly field: string | undefined;

  constructor(kind: string, field: string | undefined, message: string) {
    super(message);
    this.kind = kind;
    this.field = field;
  }
}

/** The body can be read but asks for something impossible. */
export class BadRequestError extends Error {
  override readonly name = 'BadRequestError';
}

/** The request has ended the process, as some do with a real server. */
export class SchedulerCrash extends Error {
  override readonly name = 'SchedulerCrash';
}

/** The JSON body of a 400 in the shape of the endpoint's family. */
export function errorBody(family: Family, error: InvalidBodyError | BadRequestError): unknown {
  const invalid = error instanceof InvalidBodyError;
  if (family === 'anthropic') {
    const message = invalid && error.field !== undefined ? `${error.field}: ${error.message}` : error.message;
    return { type: 'error', error: { type: 'invalid_request_error', message } };
  }
  const message = invalid ? validationMessage(error) : error.message;
  const flat = { message, type: invalid ? 'Bad Request' : 'BadRequestError', param: null, code: 400 };
  if (family === 'responses') return { error: flat };
  if (family === 'generate' && !invalid) return { error: { message } };
  return { object: 'error', ...flat };
}

function validationMessage({ kind, field, message }: InvalidBodyError): string {
  const where = field === undefined ? "('body',)" : `('body', '${field}')`;
  return `1 validation error:\n  {'type': '${kind}', 'loc': ${where}, 'msg': '${message}'}`;
}
