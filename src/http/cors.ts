import type { IncomingHttpHeaders } from 'node:http';

const ANY = '*';
const METHODS = 'GET, POST, PUT, PATCH, DELETE, OPTIONS';
/** Allowed request headers by name: `*` would leave out authorization. */
const REQUEST_HEADERS = 'authorization, content-type';
const EXPOSED = [
  'x-request-id',
  'retry-after',
  'x-smg-error-code',
  'x-sglang-router-worker',
  'x-sglang-router-policy',
  'x-sglang-router-matched',
  'x-sglang-router-explain',
].join(', ');
const MAX_AGE_SECS = '3600';

/** Headers for browsers, as name, value, name, value … */
export interface Cors {
  /** Headers for every answer, a worker's or the router's own. */
  headers(origin: string | undefined): readonly string[];
  /** Headers for the answer (204) to a preflight, which needs no key and no worker; undefined for any other request. */
  preflight(method: string | undefined, headers: IncomingHttpHeaders): readonly string[] | undefined;
}

/** Whether a worker's header is dropped, as only the router decides whose pages may call. */
export function isCorsHeader(name: string): boolean {
  return name.startsWith('access-control-');
}

/** `allowed` are origins as browsers send them, or `*`; with none no page of another origin may call. */
export function createCors(allowed: readonly string[]): Cors {
  const any = allowed.includes(ANY);
  const allow = (origin: string) => ['access-control-allow-origin', origin, 'access-control-expose-headers', EXPOSED];
  const vary = any || allowed.length === 0 ? [] : ['vary', 'origin'];
  const toAll = any ? allow(ANY) : vary;
  const byOrigin = new Map(any ? [] : allowed.map((origin) => [origin, [...allow(origin), ...vary]] as const));
  const headers = (origin: string | undefined) => (origin === undefined ? undefined : byOrigin.get(origin)) ?? toAll;
  return {
    headers,
    preflight(method, request) {
      const { origin } = request;
      if (method !== 'OPTIONS' || origin === undefined || !request['access-control-request-method']) return undefined;
      const answer = headers(origin);
      if (!any && !byOrigin.has(origin)) return answer;
      const wanted = request['access-control-request-headers'] ?? REQUEST_HEADERS;
      return [
        ...answer,
        'access-control-allow-methods',
        METHODS,
        'access-control-allow-headers',
        wanted,
        'access-control-max-age',
        MAX_AGE_SECS,
      ];
    },
  };
}
