/** One flag of `bench`. */
export interface Option<T = unknown> {
  readonly flag: string;
  readonly help: string;
  /** Name of the value in help; undefined for a switch. */
  readonly metavar: string | undefined;
  readonly default: T;
  /** The word → the value; throws an Error that says what was expected. */
  readonly parse: (word: string) => T;
}

export function commas(word: string): readonly string[] {
  return word.split(',').filter(Boolean);
}

export function text(flag: string, metavar: string, help: string): Option<string | undefined> {
  return { flag, metavar, help, default: undefined, parse: (word) => word };
}

export function toggle(flag: string, help: string): Option<boolean> {
  return { flag, metavar: undefined, help, default: false, parse: () => true };
}

export function list(
  flag: string,
  metavar: string,
  help: string,
  fallback: readonly string[],
): Option<readonly string[]>;
export function list<T>(
  flag: string,
  metavar: string,
  help: string,
  fallback: readonly T[],
  parse: (word: string) => readonly T[],
): Option<readonly T[]>;
export function list(
  flag: string,
  metavar: string,
  help: string,
  fallback: readonly unknown[],
  parse: (word: string) => readonly unknown[] = commas,
): Option<readonly unknown[]> {
  return { flag, metavar, help, default: fallback, parse };
}

export function number(
  flag: string,
  metavar: string,
  help: string,
  fallback: number,
  least: number,
  whole = true,
): Option<number> {
  const parse = (word: string) => {
    const value = Number(word);
    if (
      word.trim() === '' ||
      !(value >= least) ||
      (whole && !Number.isSafeInteger(value)) ||
      value === Number.POSITIVE_INFINITY
    )
      throw new Error(`expected a ${whole ? 'whole ' : ''}number of at least ${least}`);
    return value;
  };
  return { flag, metavar, help, default: fallback, parse };
}

/** A number that the workload sets unless it is given. */
export function own(flag: string, help: string, least = 1): Option<number | undefined> {
  return { ...number(flag, 'N', help, 0, least), default: undefined };
}

export function rate(flag: string, help: string): Option<number | undefined> {
  const parse = (word: string) => {
    const value = word === 'inf' ? Number.POSITIVE_INFINITY : Number(word);
    if (!(value > 0)) throw new Error('expected a number above 0, or inf');
    return value;
  };
  return { flag, metavar: 'R', help, default: undefined, parse };
}
