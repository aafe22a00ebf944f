import { STATUS_CODES } from 'node:http';

/** Label values of what a client may choose freely: always one of few. */
export const OTHER = 'other';
/** Sent by nobody; what logs and dashboards have for a client that left before its answer, since nginx. */
const CLIENT_LEFT = '499';
/** Models beyond are all `other`: an engine may serve any number of adapters. */
const MOST_MODELS = 100;

/** What clients of an API send. HTTP knows 35 methods: with series of each for every path a scrape was 22 MB. */
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** The method; `other` where it is rare, or was answered 405, as the path does not take it. */
export function methodLabel(method: string, status: number): string {
  return METHODS.has(method) && status !== 405 ? method : OTHER;
}

/** `200`, or `2xx` of a number that no standard has. */
export function statusLabel(status: number, clientLeft = false): string {
  if (clientLeft) return CLIENT_LEFT;
  const text = STATUS_TEXTS[status];
  return text ?? `${Math.floor(status / 100) % 10}xx`;
}

const STATUS_TEXTS: readonly (string | undefined)[] = Array.from({ length: 600 }, (_, status) =>
  status in STATUS_CODES ? String(status) : undefined,
);

/** What kind of failure an answer is. */
export type ErrorType =
  | 'validation_error'
  | 'unauthorized'
  | 'not_found'
  | 'timeout'
  | 'rate_limited'
  | 'no_workers'
  | 'backend_error'
  | 'internal_error';

const BY_CODE: Readonly<Record<string, ErrorType>> = {
  no_available_workers: 'no_workers',
  no_usable_workers: 'no_workers',
  starting: 'no_workers',
  draining: 'no_workers',
  model_not_found: 'not_found',
  internal_error: 'internal_error',
  too_many_connections: 'internal_error',
};
const BY_STATUS: Readonly<Record<string, ErrorType>> = {
  401: 'unauthorized',
  403: 'unauthorized',
  404: 'not_found',
  408: 'timeout',
  429: 'rate_limited',
  504: 'timeout',
};

/** The kind of an answer with that label, and that error code of the router's own or ''; undefined of one that is no error. */
export function errorTypeOf(status: string, code: string): ErrorType | undefined {
  const isError = status >= '4' && status < '6';
  if (status === CLIENT_LEFT || (!isError && code === '')) return undefined;
  return BY_CODE[code] ?? BY_STATUS[status] ?? (status.startsWith('4') ? 'validation_error' : 'backend_error');
}

/** Model names as the label `model`: one that a worker serves, else `other`. */
export class ModelLabels {
  #served: ReadonlySet<string> = new Set();

  /** What the workers serve now; returns the names that are gone. */
  serve(models: Iterable<string>): string[] {
    const before = this.#served;
    this.#served = new Set([...new Set(models)].slice(0, MOST_MODELS));
    return [...before].filter((model) => !this.#served.has(model));
  }

  /** The label for a request that named `model`; one that named none is for the only model there is. */
  of(model: string | undefined): string {
    if (model !== undefined) return this.#served.has(model) ? model : OTHER;
    const [only] = this.#served;
    return only !== undefined && this.#served.size === 1 ? only : OTHER;
  }
}
