import type { IncomingHttpHeaders } from 'node:http';
import type { Family } from './endpoint.ts';
import { endpointOf } from './endpoints.ts';

/** Headers that may carry a request's id, of which the first present counts; `--request-id-headers` replaces them. */
const DEFAULT_HEADERS = ['x-request-id', 'x-correlation-id', 'x-trace-id', 'request-id'] as const;

/** The header with the id for worker and client, whichever header it came in. */
export const REQUEST_ID = 'x-request-id';

/** Accepted ids: visible ASCII, as they end up in logs, and not longer than any known scheme needs. */
const ACCEPTED = /^[\x21-\x7e]{1,128}$/;

/** Prefixes of generated ids, which tell the API, as in 0.3.2. */
const PREFIXES: Readonly<Partial<Record<Family, string>>> = {
  chat: 'chatcmpl-',
  completions: 'cmpl-',
  generate: 'gnt-',
  responses: 'resp-',
};
const LENGTH = 24;
/** Characters made from one random number of 31 bits. */
const PER_NUMBER = 5;
const made = Buffer.alloc(LENGTH);
const ALPHABET = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789');
const NUMBERS = ALPHABET.length ** PER_NUMBER;

/** Returns a request's id: the client's own, or a new one without a usable one. */
export type RequestIds = (headers: IncomingHttpHeaders, path: string) => string;

/** `names` in lower case. Ids need not be secret, so any `random` in [0, 1) will do. */
export function createRequestIds(
  names: readonly string[] = DEFAULT_HEADERS,
  random: () => number = Math.random,
): RequestIds {
  return (headers, path) => {
    for (const name of names) {
      const value = headers[name];
      if (typeof value === 'string' && ACCEPTED.test(value)) return value;
    }
    const prefix = PREFIXES[endpointOf(path).family] ?? 'req-';
    for (let at = 0; at < LENGTH; ) {
      let number = Math.floor(random() * NUMBERS);
      for (const end = Math.min(at + PER_NUMBER, LENGTH); at < end; at++) {
        made[at] = ALPHABET[number % ALPHABET.length] as number;
        number = Math.floor(number / ALPHABET.length);
      }
    }
    return prefix + made.toString('latin1');
  };
}
