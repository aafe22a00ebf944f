import { createHash, timingSafeEqual } from 'node:crypto';
import { RouterError } from '../errors.ts';
import type { ClientRequest } from './edge/client-request.ts';

const digest = (text: string) => createHash('sha256').update(text).digest();

/** Throws RouterError `unauthorized` unless the request carries the key, as `Authorization: Bearer <key>` or as Anthropic's `x-api-key`; takes the same time for any wrong key. */
export type Authorize = (request: Pick<ClientRequest, 'headers'>) => void;

/** A check for `apiKey`; without a key everyone may pass. */
export function createAuthorize(apiKey: string | undefined): Authorize {
  if (apiKey === undefined) return () => {};
  const expected = digest(apiKey);
  return (request) => {
    const { authorization, 'x-api-key': apiKeyHeader } = request.headers;
    const given = authorization === undefined ? apiKeyHeader : /^bearer +(.+)$/i.exec(authorization)?.[1];
    if (!timingSafeEqual(digest(String(given ?? '')), expected)) {
      const message =
        'expected the header "Authorization: Bearer <key>", or "x-api-key: <key>", with the key of --api-key';
      throw new RouterError('unauthorized', message);
    }
  };
}
