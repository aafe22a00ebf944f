import { didYouMean } from './nearest.ts';

/** A word that is no value of its option; the message reads after the flag's name: `--port: <message>`. */
export class ValueError extends Error {
  override readonly name = 'ValueError';
  /** What to write instead, where that can be told. */
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }

  /** The message with the hint, for where there is one line for both. */
  get whole(): string {
    return this.hint === undefined ? this.message : `${this.message}; ${this.hint}`;
  }
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

/** How a message calls the unit of a whole number. */
export const SECONDS = ' of seconds';
export const MILLISECONDS = ' of milliseconds';

/** What a unit that was written after a number means in the unit that the flag has. */
const FACTORS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  [SECONDS]: { s: 1, sec: 1, secs: 1, m: 60, min: 60, h: 3600 },
  [MILLISECONDS]: { ms: 1, s: 1000, sec: 1000, secs: 1000, m: 60_000, min: 60_000 },
};
const PERCENT: Readonly<Record<string, number>> = { '%': 0.01 };

const SIZE_UNITS: Readonly<Record<string, number>> = { '': 1, B: 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** The word itself, where `choices` are given one of them. */
export function readText(word: string, choices?: readonly string[]): string {
  if (!choices || choices.includes(word)) return word;
  throw new ValueError(`expected one of ${choices.join(', ')}, got ${show(word)}${didYouMean(word, choices)}`);
}

/** The role of a worker, one of those that a router has use for. */
export function readRole<R extends string>(word: string, roles: readonly R[]): R {
  const role = roles.find((one) => one === word);
  if (role === undefined) throw new ValueError(`expected ${roles.join(' or ')} on this router, got ${show(word)}`);
  return role;
}

/** The path of a file or folder; `what` says which. */
export function readPath(word: string, what = 'a file'): string {
  if (word.trim() === '') throw new ValueError(`expected ${what}, got none`);
  return word;
}

/** A key as it can stand in a header. Never shown, not even where it is refused. */
export function readKey(word: string): string {
  if (word.trim() === '') throw new ValueError('expected a key, got none');
  if (!/^[\x20-\x7e]+$/.test(word) || word !== word.trim()) {
    const problem =
      'got one with a character that no header can carry, such as a line end, an accent or a space around it';
    throw new ValueError(`expected a key of printable ASCII characters, ${problem}`);
  }
  return word;
}

/** A key of the admin routes. */
export interface ControlKey {
  readonly id: string;
  readonly name: string;
  readonly role: 'admin' | 'user';
  readonly key: string;
}

/** `id:name:role:key`; the key may have colons in it. Never shown, not even where it is refused. */
export function readControlKey(word: string): ControlKey {
  const [, id = '', name = '', role = '', key = ''] = /^([^:]*):([^:]*):([^:]*):(.*)$/s.exec(word) ?? [];
  if (key === '') throw new ValueError('expected id:name:role:key, got something else');
  const known = (['admin', 'user'] as const).find((one) => one === role.toLowerCase());
  if (!known) throw new ValueError(`expected the role admin or user in id:name:role:key, got another`);
  return { id, name, role: known, key: readKey(key) };
}

/** A whole number as Python's `int` reads it, within bounds. */
export function readInteger(word: string, bounds: Bounds = {}, unit = '', instead?: string): number {
  const expected = `expected ${instead === undefined ? '' : `${instead} or `}a whole number${unit}`;
  const plain = word.trim();
  if (!/^[+-]?\d+(_\d+)*$/.test(plain)) throw new ValueError(`${expected}, got ${show(word)}`, unitHint(plain, unit));
  const value = Number(plain.replaceAll('_', ''));
  if (!Number.isSafeInteger(value)) throw new ValueError(`${expected} below 2^53, got ${show(word)}`);
  return within(value, word, bounds, expected);
}

/** A finite number within bounds. */
export function readNumber(word: string, bounds: Bounds = {}): number {
  const plain = word.trim();
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) || !Number.isFinite(Number(plain))) {
    throw new ValueError(`expected a number, got ${show(word)}`, unitHint(plain));
  }
  return within(Number(plain), word, bounds, 'expected a number');
}

/** Whole seconds → milliseconds a timer can wait. */
export function readTimer(word: string, bounds: Bounds): number {
  return Math.min(readInteger(word, bounds, SECONDS) * 1000, MAX_TIMER_MS);
}

/** Whoever writes `30s`, `5m` or `50%` is told the number. */
function unitHint(word: string, unit = ''): string | undefined {
  const [, digits = '', suffix = ''] = /^(\d+(?:\.\d+)?)\s*(ms|s|secs?|m|min|h|%)$/i.exec(word) ?? [];
  const factor = (suffix === '%' ? PERCENT : FACTORS[unit])?.[suffix.toLowerCase()];
  return factor === undefined ? undefined : `write ${Number((Number(digits) * factor).toPrecision(6))}`;
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
  const text = word.trim();
  const url = /^https?:\/\//i.test(text) && !/[\s,]/.test(text) ? URL.parse(text) : null;
  if (!url || url.port === '0') throw new ValueError(...problemOfUrl(text));
  if (url.username || url.password || url.search || url.hash) {
    const [, server] = /^([^@]*)@\d+$/.exec(text) ?? [];
    const hint = server === undefined ? undefined : `a server with all its ranks is written ${server}`;
    const shown = server === undefined ? showUrl(text) : show(text);
    throw new ValueError(`expected a URL without user, query or fragment, got ${shown}`, hint);
  }
  // One name for a server, however it is spelt; a port that was given stays, be it the usual one.
  const [, port] = /^[^/]*\/\/[^/]*?:(\d+)(?:\/|$)/.exec(text) ?? [];
  return `${url.protocol}//${url.hostname}${port ? `:${Number(port)}` : ''}${url.pathname.replace(/\/+$/, '')}`;
}

/** Alike for two URLs of one server: the port that the scheme implies may be left out. */
export function serverOf(url: string): string {
  return new URL(url).href;
}

/** Message and hint for what is no URL of a worker. */
function problemOfUrl(text: string): [message: string, hint?: string | undefined] {
  const expected = 'expected a URL that starts with http:// or https://';
  const got = `got ${showUrl(text)}`;
  if (text === '') return [`${expected}, got none`];
  const several = text.split(/[\s,]+/).filter(Boolean);
  if (several.length > 1 || /[\s,]/.test(text)) {
    const apart = several.map((one) => show(one).slice(1, -1)).join(' ');
    return [`expected one URL, ${got}`, `write each server by itself, with spaces between them: ${apart}`];
  }
  if (/^grpcs?:\/\//i.test(text)) return [`${expected}, ${got}: gRPC workers are not supported`];
  if (!/^https?:\/\//i.test(text)) return [`${expected}, ${got}`, schemeHint(text)];
  const [, host = '', port] = /^https?:\/\/(\[[^\]/]*\]|[^:/]*)(?::([^/]*))?/i.exec(text) ?? [];
  if (host === '' && !text.includes('::')) return [`expected a host after ${text.split('//', 1)[0]}//, ${got}`];
  if (/:.*:/.test(text.slice(6)) && !host.startsWith('[')) {
    return [`expected a host and a port, ${got}`, 'an IPv6 address is written in brackets: http://[::1]:8000'];
  }
  const portIsWrong =
    port !== undefined && port !== '' && !(/^\d+$/.test(port) && Number(port) > 0 && Number(port) <= 65_535);
  if (portIsWrong) return [`expected a port between 1 and 65535, got ${show(port)} in ${showUrl(text)}`];
  return [`expected a host name or an address after ${text.split('//', 1)[0]}//, ${got}`];
}

function schemeHint(text: string): string | undefined {
  const [, s = '', rest = ''] = /^(?:h*t+p+(s?)[:;]?\/+|(?:\/\/)?)([\w.-]+(?::\d+)?(?:\/.*)?)$/i.exec(text) ?? [];
  const meant = `http${s.toLowerCase()}://${rest}`;
  return rest !== '' && URL.canParse(meant) ? `write ${meant}` : undefined;
}

/** A URL as a message quotes it: a password or a key in it is left out. */
function showUrl(text: string): string {
  return show(text.replace(/\/\/.*@/s, '//***@').replace(/\?.*/s, '?***'));
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
  const text = word.trim();
  if (text === '') throw new ValueError('expected an address, got none');
  const [, bare = '', port] = /^(?:\w+:\/\/)?(\[[^\]]*\]|[^:/]+)(?::(\d+))?\/?$/.exec(text) ?? [];
  if (text.includes('/') || port !== undefined) {
    const hint = bare === '' ? undefined : `write ${bare}${port === undefined ? '' : `, and --port ${port}`}`;
    throw new ValueError(`expected an address such as 127.0.0.1 or 0.0.0.0, got ${show(word)}`, hint);
  }
  return text.replace(/^\[(.*)\]$/, '$1');
}

/** An origin as browsers send it, or `*`. */
export function readOrigin(word: string): string {
  if (word === '*') return word;
  const expected = 'expected an origin such as https://chat.example.com, or *';
  const url = URL.parse(word);
  if (
    !url ||
    url.host === '' ||
    word.includes(',') ||
    url.pathname.length > 1 ||
    url.search !== '' ||
    url.username !== ''
  )
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
  return `'${inOneLine(word.length > 80 ? `${word.slice(0, 77)}...` : word)}'`;
}

/** What cannot be seen, line ends among it, as its code. */
export function inOneLine(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`);
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
