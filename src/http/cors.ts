import type { IncomingHttpHeaders } from 'node:http';

const ANY = '*';
const METHODS = 'GET, POST, PUT, PATCH, DELETE, OPTIONS';
/** Asked for by name: `*` would leave out authorization. */
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

/** What browsers are told; headers as name, value, name, value … */
export interface Cors {
  /** For every answer, a worker's or the router's own. */
  headers(origin: string | undefined): readonly string[];
  /** For the answer (204, no body) to a preflight; undefined where the request is none. A preflight never reaches a worker and needs no key. */
  preflight(method: string | undefined, headers: IncomingHttpHeaders): readonly string[] | undefined;
}

/** Whether a worker's answer must go without this header: whose pages may call is decided here, once. */
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
