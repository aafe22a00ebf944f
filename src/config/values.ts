/** A word that is no value of its option; the message reads after the flag's name: `--port: <message>`. */
export class ValueError extends Error {
  override readonly name = 'ValueError';
}

/** The least and the greatest value that is accepted. */
export interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

/** One prefill server of `--prefill URL [PORT|none]`. */
export interface PrefillUrl {
  readonly url: string;
  /** Null: it has none. Undefined: not given, the server tells it. */
  readonly bootstrapPort: number | null | undefined;
}

/** Node's timers wait 2^31-1 ms at most and fire at once beyond; who asks for longer means "practically never". */
export const MAX_TIMER_MS = 2 ** 31 - 1;

const SIZE_UNITS: Readonly<Record<string, number>> = { '': 1, B: 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** The word itself, where `choices` are given one of them. */
export function readText(word: string, choices?: readonly string[]): string {
  if (choices && !choices.includes(word))
    throw new ValueError(`expected one of ${choices.join(', ')}, got ${show(word)}`);
  return word;
}

/** The role of a worker, one of those that a router has use for. */
export function readRole<R extends string>(word: string, roles: readonly R[]): R {
  const role = roles.find((one) => one === word);
  if (role === undefined) throw new ValueError(`expected ${roles.join(' or ')} on this router, got ${show(word)}`);
  return role;
}

/** A whole number as Python's `int` reads it, within bounds. */
export function readInteger(word: string, bounds: Bounds = {}, unit = ''): number {
  const expected = `expected a whole number${unit}`;
  const plain = word.trim();
  if (!/^[+-]?\d+(_\d+)*$/.test(plain)) throw new ValueError(`${expected}, got ${show(word)}`);
  const value = Number(plain.replaceAll('_', ''));
  if (!Number.isSafeInteger(value)) throw new ValueError(`${expected} below 2^53, got ${show(word)}`);
  return within(value, word, bounds, expected);
}

/** A finite number within bounds. */
export function readNumber(word: string, bounds: Bounds = {}): number {
  const plain = word.trim();
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain))
    throw new ValueError(`expected a number, got ${show(word)}`);
  return within(Number(plain), word, bounds, 'expected a number');
}

/** Whole seconds → milliseconds a timer can wait. */
export function readTimer(word: string, bounds: Bounds): number {
  return Math.min(readInteger(word, bounds, ' of seconds') * 1000, MAX_TIMER_MS);
}

/** A number of bytes, or a size with a unit; MB and MiB both are 2^20, as the manual's 256MB is 268435456. */
export function readBytes(word: string): number {
  const expected = 'expected a number of bytes or a size such as 256MB or 1GiB';
  const [, digits, unit] = /^\s*(\d+(?:_\d+)*)\s*([KMGT]?)(?:i?B)?\s*$/i.exec(word) ?? [];
  if (digits === undefined || unit === undefined) throw new ValueError(`${expected}, got ${show(word)}`);
  const value = Number(digits.replaceAll('_', '')) * (SIZE_UNITS[unit.toUpperCase()] ?? 1);
  if (!Number.isSafeInteger(value)) throw new ValueError(`${expected}, below 2^53, got ${show(word)}`);
  return within(value, word, { min: 1 }, expected);
}

/** A worker's base URL, without the slash at its end. */
export function readUrl(word: string): string {
  const expected = 'expected a URL that starts with http:// or https://';
  if (/^grpcs?:\/\//i.test(word))
    throw new ValueError(`${expected}, got ${show(word)}: gRPC workers are not supported`);
  if (!/^https?:\/\//i.test(word)) {
    const meant = `http://${word}`;
    const hint = /^[\w.-]+(:\d+)?\/?$/.test(word) && URL.canParse(meant) ? `: write ${meant}` : '';
    throw new ValueError(`${expected}, got ${show(word)}${hint}`);
  }
  const url = URL.parse(word);
  if (!url) throw new ValueError(`${expected}, got ${show(word)}`);
  if (url.username || url.password || url.search || url.hash) {
    const [, server] = /^([^@]*)@\d+$/.exec(word) ?? [];
    const hint = server === undefined ? '' : `: a server with all its ranks is written ${server}`;
    throw new ValueError(`expected a URL without user, query or fragment, got ${show(word)}${hint}`);
  }
  // One name for a server, however it is spelt; a port that was given stays, be it the usual one.
  const [, port] = /^[^/]*\/\/[^/]*?:(\d+)(?:\/|$)/.exec(word) ?? [];
  return `${url.protocol}//${url.hostname}${port ? `:${Number(port)}` : ''}${url.pathname.replace(/\/+$/, '')}`;
}

/** A name in the DNS with a port, or without one where SRV records tell it. */
export function readDnsName(word: string): string {
  const [, name = '', port] = /^([^:]*)(?::(.*))?$/.exec(word) ?? [];
  if (name.length > 253 || !/^[a-z0-9_]([-a-z0-9_]*[a-z0-9])?(\.[a-z0-9_]([-a-z0-9_]*[a-z0-9])?)*\.?$/i.test(name)) {
    throw new ValueError(`expected a DNS name such as workers.default.svc.cluster.local:8000, got ${show(word)}`);
  }
  if (port !== undefined) readInteger(port, { min: 1, max: 65_535 });
  return word;
}

/** A host to listen on; IPv6 addresses with or without their brackets. */
export function readHost(word: string): string {
  if (word.trim() === '') throw new ValueError('expected an address, got none');
  return word.replace(/^\[(.*)\]$/, '$1');
}

/** An origin as browsers send it, or `*`. */
export function readOrigin(word: string): string {
  if (word === '*') return word;
  const expected = 'expected an origin such as https://chat.example.com, or *';
  const url = URL.parse(word);
  if (!url || url.host === '' || url.pathname.length > 1 || url.search !== '' || url.username !== '')
    throw new ValueError(`${expected}, got ${show(word)}`);
  return `${url.protocol}//${url.host}`;
}

/** The name of an HTTP header, in lower case. */
export function readHeaderName(word: string): string {
  if (!/^[-!#$%&'*+.^_`|~0-9a-z]+$/i.test(word))
    throw new ValueError(`expected the name of a header, got ${show(word)}`);
  return word.toLowerCase();
}

/** `URL [PORT|none]`. */
export function readPrefill(words: readonly string[]): PrefillUrl {
  const [url = '', port, extra] = words;
  if (extra !== undefined) {
    throw new ValueError(`expected URL [PORT|none], got ${show(words.join(' '))}: repeat the flag for each server`);
  }
  return { url: readUrl(url), bootstrapPort: port === undefined ? undefined : readBootstrapPort(port) };
}

/** The port at which a prefill server hands over KV caches, or `none`: null. */
export function readBootstrapPort(word: string): number | null {
  if (word.toLowerCase() === 'none') return null;
  if (!/^\d+$/.test(word)) throw new ValueError(`invalid bootstrap port ${show(word)}: must be a number or 'none'`);
  return readInteger(word, { min: 1, max: 65_535 });
}

/** How a message quotes what came. */
export function show(word: string): string {
  return `'${word.length > 80 ? `${word.slice(0, 77)}...` : word}'`;
}

function within(value: number, word: string, { min, max }: Bounds, expected: string): number {
  if ((min !== undefined && value < min) || (max !== undefined && value > max)) {
    throw new ValueError(`${expected} ${range(min, max)}, got ${show(word)}`);
  }
  return value;
}

function range(min: number | undefined, max: number | undefined): string {
  if (min === undefined) return `of at most ${max}`;
  return max === undefined ? `of at least ${min}` : `between ${min} and ${max}`;
}
