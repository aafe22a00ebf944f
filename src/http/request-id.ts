import type { IncomingHttpHeaders } from 'node:http';
import type { Family } from './endpoint.ts';
import { endpointOf } from './endpoints.ts';

/** Headers that may carry a request's id, the first that is there counts; `--request-id-headers` replaces them. */
const DEFAULT_HEADERS = ['x-request-id', 'x-correlation-id', 'x-trace-id', 'request-id'] as const;

/** Told to the worker and to the client, whichever header the id came in. */
export const REQUEST_ID = 'x-request-id';

/** Ids end up in logs: visible ASCII, and no more of it than any known scheme needs. */
const ACCEPTED = /^[\x21-\x7e]{1,128}$/;

/** By what a generated id starts with its API can be told, as with 0.3.2. */
const PREFIXES: Readonly<Partial<Record<Family, string>>> = {
  chat: 'chatcmpl-',
  completions: 'cmpl-',
  generate: 'gnt-',
  responses: 'resp-',
};
const LENGTH = 24;
/** Characters made of one random number, which has 31 bits then. */
const PER_NUMBER = 5;
const made = Buffer.alloc(LENGTH);
const ALPHABET = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789');
const NUMBERS = ALPHABET.length ** PER_NUMBER;

/** The id of a request: the client's own, or a new one where it has none that can be used. */
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
