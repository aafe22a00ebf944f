import { isIP } from 'node:net';
import { RouterError } from '../errors/errors.ts';
import type { ClientRequest } from '../http/edge/client-request.ts';

type Head = Pick<ClientRequest, 'headers'>;

/**
 * Throws RouterError `forbidden` for what a page of another origin sends. Browsers say so themselves (`Sec-Fetch-Site`) where the page
 * came over HTTPS or from this machine, else by the page's origin. Programs that are no browsers say neither.
 */
export function expectOwnPage({ headers }: Head): void {
  const site = headers['sec-fetch-site'];
  const { origin, host = '' } = headers;
  const isOwn =
    site === undefined ? origin === undefined || hostOf(origin) === host.toLowerCase() : site === 'same-origin';
  if (isOwn) return;
  throw new RouterError(
    'forbidden',
    `expected a request of the router's own page, got one of ${origin ?? 'another site'}`,
  );
}

/**
 * Throws RouterError `forbidden` where a page may have been brought here under a name of its own: whoever owns a name can have it stand
 * for this machine's address, and its pages are then of the same origin. Only a key tells them from the router's own.
 */
export function expectOwnName({ headers }: Head): void {
  const { origin } = headers;
  if (origin === undefined) return;
  const name = URL.parse(origin)?.hostname ?? '';
  const isLocal = name === 'localhost' || name.endsWith('.localhost') || isIP(name.replace(/^\[|\]$/g, '')) !== 0;
  if (isLocal) return;
  throw new RouterError(
    'forbidden',
    `without --api-key, actions are taken at an IP address or at localhost, not at ${name}: open the dashboard there, or set a key`,
  );
}

function hostOf(origin: string): string | undefined {
  return URL.parse(origin)?.host;
}
