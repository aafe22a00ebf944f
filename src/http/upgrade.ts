import type { IncomingHttpHeaders } from 'node:http';
import { HTTPParserError } from 'undici/lib/core/errors.js';

/** Protocol names, with versions where they have some. */
const PROTOCOLS =
  /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:\/[!#$%&'*+\-.^_`|~0-9A-Za-z]+)?(?:[ \t]*,[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z/]+)*$/;
/** HTTP or TLS inside the connection, which would bypass the router's key, limits and log. */
const HTTP_WITHIN = /(?:^|,)[ \t]*(?:h2|http\/|tls\/)/i;

/** The protocols to which a request without a body offers to upgrade; undefined if none, or one that is not tunnelled. */
export function offeredUpgrade(headers: IncomingHttpHeaders): string | undefined {
  const { upgrade, connection } = headers;
  if (upgrade === undefined || connection === undefined) return undefined;
  if (!listOf(connection).includes('upgrade')) return undefined;
  return PROTOCOLS.test(upgrade) && !HTTP_WITHIN.test(upgrade) ? upgrade : undefined;
}

/** The `offered` protocol to which a 101 answer switches. Throws HTTPParserError if it was not offered. */
export function acceptedUpgrade(offered: string | undefined, { upgrade }: IncomingHttpHeaders): string {
  if (offered === undefined) throw new HTTPParserError('expected no switch of protocols, as none was asked for');
  if (upgrade !== undefined && listOf(offered).includes(upgrade.toLowerCase())) return upgrade;
  throw new HTTPParserError(`expected a switch to ${offered}, got ${JSON.stringify(upgrade)}`);
}

function listOf(value: string): string[] {
  return value
    .toLowerCase()
    .split(',')
    .map((item) => item.trim());
}
