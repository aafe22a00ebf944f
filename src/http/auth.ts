import { createHash, timingSafeEqual } from 'node:crypto';
import { RouterError } from '../errors/errors.ts';
import type { IncomingRequest } from './edge/incoming-request.ts';
import type { Access } from './endpoint.ts';

const digest = (text: string) => createHash('sha256').update(text).digest();

/** The role of an admin-route key: a `user` is known, but may not use these routes. */
type KeyRole = 'admin' | 'user';

/** The keys that a router accepts. */
export interface Keys {
  readonly apiKey: string | undefined;
  readonly controlPlaneApiKeys: readonly { readonly key: string; readonly role: KeyRole }[];
}

/**
 * Throws RouterError `unauthorized` unless the request carries a key for such a path, as `Authorization: Bearer <key>` or as
 * Anthropic's `x-api-key`, and `forbidden` where that is one of the admin routes without the right to use them. Takes the same
 * time for any wrong key.
 */
export type Authorize = (request: Pick<IncomingRequest, 'headers'>, access: Access) => void;

/** Admin routes have their own keys if such are given, else the key of all routes; without any key everyone may pass. */
export function createAuthorize({ apiKey, controlPlaneApiKeys }: Keys): Authorize {
  const expected = apiKey === undefined ? undefined : digest(apiKey);
  const admins = controlPlaneApiKeys.map(({ key, role }) => ({ expected: digest(key), role }));
  return (request, access) => {
    if (access === 'public') return;
    if (access !== 'key' && admins.length > 0) {
      const given = keyIn(request);
      const known = admins.filter((admin) => timingSafeEqual(given, admin.expected));
      if (known.length === 0) throw unauthorized('an admin key of --control-plane-api-keys');
      if (!known.some(({ role }) => role === 'admin')) {
        throw new RouterError(
          'forbidden',
          'expected a key with the role admin on this path, got one with the role user',
        );
      }
      return;
    }
    if (expected && !timingSafeEqual(keyIn(request), expected)) throw unauthorized('the key of --api-key');
  };
}

function keyIn({ headers }: Pick<IncomingRequest, 'headers'>): Buffer {
  const { authorization, 'x-api-key': apiKey } = headers;
  const given = authorization === undefined ? apiKey : /^bearer +(.+)$/i.exec(authorization)?.[1];
  return digest(String(given ?? ''));
}

function unauthorized(which: string): RouterError {
  return new RouterError(
    'unauthorized',
    `expected the header "Authorization: Bearer <key>", or "x-api-key: <key>", with ${which}`,
  );
}
