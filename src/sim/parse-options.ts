import { didYouMean } from '../config/nearest.ts';
import { ExitError } from '../errors/errors.ts';
import type { SimOption } from './option.ts';
import { SIM_OPTIONS, type SimOptions } from './options.ts';
import { readProfile } from './profile.ts';

const MAX_PORT = 65_535;

/** What a command line says. */
type ParsedSimOptions =
  | { readonly kind: 'help' }
  | {
      readonly kind: 'options';
      readonly options: SimOptions;
      /** Flags of a real server, with their values, that mean nothing to a simulated one. */
      readonly withoutEffect: readonly string[];
    };

const KEY_OF_FLAG: ReadonlyMap<string, keyof SimOptions> = new Map(
  Object.entries(SIM_OPTIONS).flatMap(([key, option]) => option.flags.map((flag) => [flag, key as keyof SimOptions])),
);

/** Reads a command line. Throws ExitError `usage` on a bad value and on a `--sim-` flag that does not exist. */
export function parseSimOptions(argv: readonly string[]): ParsedSimOptions {
  const values: Record<string, unknown> = {};
  for (const [key, option] of Object.entries(SIM_OPTIONS)) values[key] = option.default;
  const withoutEffect: string[] = [];
  const words = [...argv];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '--help' || word === '-h') return { kind: 'help' };
    const [flag, attached] = splitAtEquals(word);
    const key = KEY_OF_FLAG.get(flag);
    if (key !== undefined) {
      values[key] = readValue(SIM_OPTIONS[key], flag, attached, words);
      if (key === 'profile') words.unshift(...readProfile(values[key] as string));
    } else {
      withoutEffect.push([unknown(flag, word), ...takeValues(words)].join(' '));
    }
  }
  const options = Object.freeze(values) as SimOptions;
  check(options);
  return { kind: 'options', options, withoutEffect };
}

function splitAtEquals(word: string): [string, string | undefined] {
  const at = word.indexOf('=');
  return at > 0 && word.startsWith('--') ? [word.slice(0, at), word.slice(at + 1)] : [word, undefined];
}

function readValue(option: SimOption, flag: string, attached: string | undefined, rest: string[]): unknown {
  if (option.metavar === undefined) {
    if (attached === undefined) return true;
    throw usage(`${flag}: expected no value, got "${attached}"`);
  }
  const word = attached ?? rest.shift();
  if (word === undefined) throw usage(`${flag}: expected a value (${option.metavar}), got none`);
  if (attached === undefined && KEY_OF_FLAG.has(word)) {
    throw usage(`${flag}: expected a value (${option.metavar}), got the flag ${word}`);
  }
  try {
    return option.parse(word);
  } catch (error) {
    throw usage(`${flag}: ${(error as Error).message}, got "${word}"`);
  }
}

/** A flag of SGLang's, taken as it came; a misspelt knob of ours must not pass for one. */
function unknown(flag: string, word: string): string {
  if (/^[^-\p{Dash}]|^$/u.test(flag)) throw usage(`expected a flag, got "${word}"`);
  if (!flag.startsWith('--sim-') && /^--?\w/.test(flag)) return word;
  throw new ExitError('usage', `unknown flag ${flag}${didYouMean(flag, KEY_OF_FLAG.keys())}`, {
    hint: 'sim-engine --help lists all flags',
  });
}

/** The words up to the next flag: an unknown flag may take any number of values, negative numbers included. */
function takeValues(words: string[]): string[] {
  const next = words.findIndex((word) => /^--?[A-Za-z]/.test(word));
  return words.splice(0, next < 0 ? words.length : next);
}

function check(options: SimOptions): void {
  checkPort('--port', options.port);
  checkPort('--disaggregation-bootstrap-port', options.bootstrapPort);
  if (options.maxTotalTokens < 2 * options.pageSize) {
    throw usage(
      `--max-total-tokens: expected at least two pages (${2 * options.pageSize}), got ${options.maxTotalTokens}`,
    );
  }
}

function checkPort(flag: string, port: number): void {
  if (port > MAX_PORT) throw usage(`${flag}: expected at most ${MAX_PORT}, got ${port}`);
}

function usage(message: string): ExitError {
  return new ExitError('usage', message);
}
