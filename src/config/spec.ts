import { readSelector } from './selector.ts';
import {
  type Bounds,
  type ControlKey,
  MILLISECONDS,
  type PrefillUrl,
  readBytes,
  readControlKey,
  readHost,
  readInteger,
  readKey,
  readNumber,
  readPath,
  readPrefill,
  readText,
  readTimer,
  readUrl,
  serverOf,
} from './values.ts';

/** Headings of `--help` and docs/options.md, in this order. */
export const GROUPS = {
  core: 'Core',
  launch: 'Launching servers',
  cache: 'Cache-aware routing',
  policy: 'Other policies',
  limits: 'Admission',
  retry: 'Retries and circuit breaker',
  health: 'Workers and health',
  pd: 'Prefill-decode disaggregation',
  kubernetes: 'Kubernetes',
  observability: 'Observability',
  security: 'Security and CORS',
  compat: 'Accepted for compatibility, without effect',
} as const;
export type Group = keyof typeof GROUPS;

/** How many command-line words a flag takes: none, one, any number, at least one. */
type Arity = 'none' | 'one' | 'any' | 'some';

/** What docs, help and the JSON for Python call the type of a value. */
type TypeName = 'flag' | 'str' | 'int' | 'float' | 'size' | 'list' | 'selector' | 'prefill';

/** What every option says of itself beside its value. */
export interface About {
  /** With its dashes; what follows the first are aliases. */
  readonly flags: readonly [string, ...string[]];
  readonly group: Group;
  readonly help: string;
  /** The same in some 35 characters, for the help that fits a screen. */
  readonly brief?: string;
  readonly metavar?: string;
  /** Variables read before `SGLANG_ROUTER_<FLAG>`. */
  readonly env?: readonly string[];
  /** Field of the Python `RouterArgs` where it is not the flag's own name; false where it has none. */
  readonly python?: string | false;
  /** Why the option will never do anything: said at start when it is given. */
  readonly noEffect?: string;
  /** Its value is a key: no message shows it. */
  readonly secret?: true;
}

/** One option: what it says of itself, and how words become its value. */
export interface Spec<T = unknown> extends About {
  readonly type: TypeName;
  readonly arity: Arity;
  /** Every occurrence adds to the list; without it the last occurrence counts, as in argparse. */
  readonly append: boolean;
  readonly default: T;
  readonly choices: readonly string[] | undefined;
  /** The words of each occurrence that counts → the value; throws a ValueError that says what was expected. */
  parse(occurrences: readonly (readonly string[])[]): T;
  /** The value as the words of each occurrence; `parse(render(v))` is `v`. */
  render(value: T): readonly (readonly string[])[];
}

/** The value of an option. */
export type ValueOf<S> = S extends Spec<infer T> ? T : never;

/** A word, as it came. */
export function text<const D extends string | undefined>(about: About & { default: D }): Spec<string | D> {
  return single<string | D>(about, 'str', (word) => word, String);
}

/** The path of a file, not empty. */
export function file(about: About): Spec<string | undefined> {
  return single<string | undefined>(
    { metavar: 'FILE', ...about, default: undefined },
    'str',
    (word) => readPath(word),
    String,
  );
}

/** The path of a folder, not empty. */
export function folder(about: About): Spec<string | undefined> {
  const read = (word: string) => readPath(word, 'a folder');
  return single<string | undefined>({ metavar: 'DIR', ...about, default: undefined }, 'str', read, String);
}

/** A key that goes in headers; no message shows it. */
export function key(about: About): Spec<string | undefined> {
  return single<string | undefined>(
    { metavar: 'KEY', secret: true, ...about, default: undefined },
    'str',
    readKey,
    String,
  );
}

/** An address to listen on. */
export function host<const D extends string>(about: About & { default: D }): Spec<string> {
  return single<string>({ metavar: 'ADDRESS', ...about }, 'str', readHost, String);
}

/** One of a few words; `synonyms` are read as another of them. */
export function choice<const C extends string, const D extends C | undefined>(
  about: About & {
    default: D;
    choices: readonly C[];
    synonyms?: Readonly<Record<string, C>>;
  },
): Spec<C | D> {
  const { choices, synonyms = {} } = about;
  const accepted = [...choices, ...Object.keys(synonyms)];
  const read = (word: string) => synonyms[word] ?? (readText(word, accepted) as C);
  return { ...single<C | D>(about, 'str', read, String), choices: accepted };
}

/** A whole number. */
export function int<const D extends number | undefined>(about: About & Bounds & { default: D }): Spec<number | D> {
  const unit = about.metavar === 'MS' ? MILLISECONDS : '';
  return single<number | D>(about, 'int', (word) => readInteger(word, about, unit), String);
}

/** A whole number, or the word that stands for one. */
export function intOr<const W extends string>(
  instead: W,
  about: About & Bounds & { default: number },
): Spec<number | W> {
  const read = (word: string) => (word.trim() === instead ? instead : readInteger(word, about, '', instead));
  return single<number | W>(about, 'int', read, String);
}

/** A number. */
export function float(about: About & Bounds & { default: number }): Spec<number> {
  return single(about, 'float', (word) => readNumber(word, about), String);
}

/** Whole seconds on the command line, milliseconds in Config, cut to what a timer can wait. */
export function secs<const D extends number | undefined>(
  about: About & Bounds & { default: D },
): Spec<D extends undefined ? number | undefined : number> {
  const byDefault: number | undefined = about.default === undefined ? undefined : about.default * 1000;
  return single<number | undefined>(
    { metavar: 'SECS', ...about, default: byDefault },
    'int',
    (word) => readTimer(word, about),
    (ms) => String(ms / 1000),
  ) as Spec<D extends undefined ? number | undefined : number>;
}

/** A number of bytes, or a size such as `256MB` (powers of 1024). */
export function bytes(about: About & { default: number }): Spec<number> {
  const MB = 2 ** 20;
  return single(about, 'size', readBytes, (value) => (value % MB === 0 ? `${value / MB}MB` : String(value)));
}

/** A switch, off unless given. */
export function flag(about: About): Spec<boolean> {
  return {
    ...base(about, 'flag', 'none'),
    default: false,
    parse: (occurrences) => occurrences.length > 0,
    render: (value) => (value ? [[]] : []),
  };
}

/** Words in a row, none unless given; the last occurrence counts. */
export function list(about: About, read: (word: string) => string = (word) => word): Spec<readonly string[]> {
  return {
    ...base(about, 'list', 'any'),
    default: [],
    parse: (occurrences) => (occurrences.at(-1) ?? []).map((word) => read(word)),
    render: (value) => (value.length > 0 ? [value] : []),
  };
}

/** Worker URLs in a row, each server once; the last occurrence counts. */
export function urls(about: About): Spec<readonly string[]> {
  const words = list(about, readUrl);
  return { ...words, parse: (occurrences) => eachOnce(words.parse(occurrences), (url) => url) };
}

/** Worker URLs, one or more at each of several occurrences. */
export function repeatedUrls(about: About): Spec<readonly string[]> {
  return {
    ...base(about, 'list', 'some'),
    append: true,
    default: [],
    parse: (occurrences) =>
      eachOnce(
        occurrences.flat().map((word) => readUrl(word)),
        (url) => url,
      ),
    render: (value) => value.map((url) => [url]),
  };
}

/** `URL [PORT|none]` at each of several occurrences; the same server with the same port counts once. */
export function prefills(about: About): Spec<readonly PrefillUrl[]> {
  return {
    ...base(about, 'prefill', 'some'),
    append: true,
    default: [],
    parse: (occurrences) => eachOnce(occurrences.map(readPrefill), ({ url }) => url, sameBootstrapPort),
    render: (value) =>
      value.map(({ url, bootstrapPort }) => [
        url,
        ...(bootstrapPort === undefined ? [] : [String(bootstrapPort ?? 'none')]),
      ]),
  };
}

/** Values in a row, absent unless given; the last occurrence counts. */
export function optionalList<T>(about: About, read: (word: string) => T): Spec<readonly T[] | undefined> {
  return {
    ...base(about, 'list', 'any'),
    default: undefined,
    parse: (occurrences) => occurrences.at(-1)?.map((word) => read(word)),
    render: (value) => (value ? [value.map(String)] : []),
  };
}

/** `id:name:role:key` words in a row, none unless given; the last occurrence counts. */
export function controlKeys(about: About): Spec<readonly ControlKey[]> {
  return {
    ...base({ secret: true, ...about }, 'list', 'any'),
    default: [],
    parse: (occurrences) => (occurrences.at(-1) ?? []).map(readControlKey),
    render: (keys) => (keys.length > 0 ? [keys.map(({ id, name, role, key }) => `${id}:${name}:${role}:${key}`)] : []),
  };
}

/** A Kubernetes label selector: `key=value` words, in a row or in one word, or any other requirements. */
export function selector(about: About): Spec<readonly string[]> {
  return {
    ...base(about, 'selector', 'some'),
    default: [],
    parse: (occurrences) => readSelector(occurrences.at(-1) ?? []),
    render: (value) => (value.length > 0 ? [value] : []),
  };
}

/** Those whose URL, however it is spelt, none before has. */
function eachOnce<T>(items: readonly T[], urlOf: (item: T) => string, alike: (a: T, b: T) => boolean = () => true) {
  const perServer = new Map<string, T[]>();
  return items.filter((item) => {
    const server = serverOf(urlOf(item));
    const before = perServer.get(server) ?? [];
    if (before.some((one) => alike(one, item))) return false;
    perServer.set(server, [...before, item]);
    return true;
  });
}

function sameBootstrapPort(a: PrefillUrl, b: PrefillUrl): boolean {
  return a.bootstrapPort === b.bootstrapPort;
}

function single<T>(
  about: About & { default: T },
  type: TypeName,
  read: (word: string) => NonNullable<T>,
  write: (value: NonNullable<T>) => string,
): Spec<T> {
  return {
    ...base(about, type, 'one'),
    default: about.default,
    parse: (occurrences) => read(occurrences.at(-1)?.[0] ?? ''),
    render: (value) => (value === undefined || value === null ? [] : [[write(value)]]),
  };
}

function base(about: About, type: TypeName, arity: Arity) {
  return { ...about, type, arity, append: false, choices: undefined };
}
