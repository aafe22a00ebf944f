/** Headings of `--help` and of the documentation, in this order. */
export const GROUPS = {
  server: 'Server (flags as SGLang has them)',
  memory: 'Scheduling and KV cache (flags as SGLang has them)',
  pair: 'Prefill and decode',
  speed: 'Simulated speed',
  startup: 'Simulated start-up',
  faults: 'Faults',
  process: 'Process',
} as const;

/** One flag of the simulated engine. */
export interface SimOption<T = unknown> {
  /** With its dashes; what follows the first are aliases. */
  readonly flags: readonly [string, ...string[]];
  readonly group: keyof typeof GROUPS;
  readonly help: string;
  /** Name of the value in help; undefined for a switch, which takes none. */
  readonly metavar: string | undefined;
  readonly default: T;
  /** The word → the value; throws an Error that says what was expected. */
  readonly parse: (word: string) => T;
}

interface About {
  readonly flags: readonly [string, ...string[]];
  readonly group: keyof typeof GROUPS;
  readonly help: string;
}

export function text<D extends string | undefined>(about: About, fallback: D): SimOption<string | D> {
  return { ...about, metavar: 'TEXT', default: fallback, parse: (word) => word };
}

/** On when it is there. */
export function toggle(about: About): SimOption<boolean> {
  return { ...about, metavar: undefined, default: false, parse: () => true };
}

export function oneOf<const C extends string, D extends C | undefined>(
  about: About,
  choices: readonly C[],
  fallback: D,
): SimOption<C | D> {
  const parse = (word: string) => {
    const choice = choices.find((name) => name === word);
    if (choice === undefined) throw new Error(`expected one of ${choices.join(', ')}`);
    return choice;
  };
  return { ...about, metavar: choices.join('|'), default: fallback, parse };
}

/** A whole number of at least `least`. */
export function integer<D extends number | undefined>(about: About, fallback: D, least = 0): SimOption<number | D> {
  return number(
    about,
    fallback,
    'INT',
    (value) => Number.isSafeInteger(value) && value >= least,
    `a whole number of at least ${least}`,
  );
}

/** A number of at least 0. */
export function decimal(about: About, fallback: number): SimOption<number> {
  return number(about, fallback, 'NUMBER', (value) => value >= 0, 'a number of at least 0');
}

/** A number above 0. */
export function positive(about: About, fallback: number): SimOption<number> {
  return number(about, fallback, 'NUMBER', (value) => value > 0, 'a number above 0');
}

function number<D extends number | undefined>(
  about: About,
  fallback: D,
  metavar: string,
  allowed: (value: number) => boolean,
  expected: string,
): SimOption<number | D> {
  const parse = (word: string) => {
    const value = Number(word);
    if (word.trim() === '' || !Number.isFinite(value) || !allowed(value)) throw new Error(`expected ${expected}`);
    return value;
  };
  return { ...about, metavar, default: fallback, parse };
}

/** `NAME=SECONDS,…` for some of the names. */
export function secondsOf<const N extends string>(
  about: About,
  names: readonly N[],
): SimOption<ReadonlyMap<N, number> | undefined> {
  const parse = (word: string) =>
    new Map(
      word.split(',').map((pair) => {
        const [name, seconds] = pair.split('=');
        const known = names.find((one) => one === name);
        const value = Number(seconds || Number.NaN);
        if (known === undefined || !(value >= 0)) throw new Error(`expected NAME=SECONDS of ${names.join(', ')}`);
        return [known, value] as const;
      }),
    );
  return { ...about, metavar: 'NAME=SECONDS,…', default: undefined, parse };
}
