import { createHash, timingSafeEqual } from 'node:crypto';
import { RouterError } from '../errors.ts';
import type { ClientRequest } from './edge/client-request.ts';

const digest = (text: string) => createHash('sha256').update(text).digest();

/** Throws RouterError `unauthorized` unless the request carries `Authorization: Bearer <key>`; takes the same time for any wrong key. */
export type Authorize = (request: Pick<ClientRequest, 'headers'>) => void;

/** A check for `apiKey`; without a key everyone may pass. */
export function createAuthorize(apiKey: string | undefined): Authorize {
  if (apiKey === undefined) return () => {};
  const expected = digest(apiKey);
  return (request) => {
    const given = /^bearer +(.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
    if (!timingSafeEqual(digest(given), expected)) {
      throw new RouterError(
        'unauthorized',
        'expected the header "Authorization: Bearer <key>" with the key of --api-key',
      );
    }
  };
}
