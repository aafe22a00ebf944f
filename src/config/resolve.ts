import { ExitError } from '../errors/errors.ts';
import { findAbbreviated, type Given, type Option, scan, unknownFlag } from './argv.ts';
import { check } from './check.ts';
import { addConfigFile } from './config-file.ts';
import { type Env, fromEnvironment, unknownVariables } from './environment.ts';
import { launcherFlag } from './launch-options.ts';
import { noticesOf } from './notices.ts';
import { type Config, OPTIONS } from './options.ts';
import { ValueError } from './values.ts';
import { ROUTER_OPTIONS, vocabularyOf } from './vocabulary.ts';

/** What a command line asks for instead of running. */
export type Question = 'help' | 'help-all' | 'version';

/** The flags that ask it. */
export const QUESTION_FLAGS = ['--help', '--help-all', '--version'] as const;

/** A router's configuration, and what to tell the user about it at start. */
export interface RouterSettings {
  readonly config: Config;
  readonly notices: readonly string[];
}

/** The configuration of a router alone. Rejects with a usage error. */
export async function resolveRouter(argv: readonly string[], env: Env): Promise<RouterSettings> {
  const given = await gatherRouter(argv, env);
  const { config, notices } = configOf(ROUTER_OPTIONS, given);
  const warnings = check(config, (key) => OPTIONS[key].flags[0], given);
  return { config, notices: [...notices, ...warnings, ...unknownVariables(env)] };
}

/** What is given for the options of a router alone: command line before environment before file. Rejects with a usage error. */
export async function gatherRouter(argv: readonly string[], env: Env): Promise<ReadonlyMap<string, Given>> {
  const vocabulary = vocabularyOf(ROUTER_OPTIONS);
  const refuse = (word: string) => launchersFlag(word) ?? unknownFlag(word, [...vocabulary.keys(), ...QUESTION_FLAGS]);
  const given = scan(argv, findAbbreviated(vocabulary), (word) => {
    throw refuse(word);
  });
  addEnvironment(given, ROUTER_OPTIONS, env);
  await addConfigFile(given, vocabulary, refuse);
  return given;
}

/** What `launch_server` would take. */
function launchersFlag(word: string): ExitError | undefined {
  const flag = launcherFlag(word.split('=', 1)[0]!);
  if (flag === undefined) return undefined;
  return new ExitError(
    'usage',
    `${flag} is a flag of launch_server, which starts servers; this router routes to servers that run`,
    {
      hint: 'use launch_server (sglang-launch server), or name running servers with --worker-urls',
    },
  );
}

/** `--help`, `--help-all` and `--version` win over everything else on the line, mistakes included. */
export function questionIn(argv: readonly string[]): Question | undefined {
  for (const word of argv) {
    if (word === '--') return undefined;
    if (word === '-h' || word === '--help') return 'help';
    if (word === '--help-all') return 'help-all';
    if (['-V', '--version', '--version-verbose'].includes(word)) return 'version';
  }
  return undefined;
}

/** Adds to `given` what the environment has for options that the command line leaves out. */
export function addEnvironment(given: Map<string, Given>, options: readonly Option[], env: Env): void {
  for (const option of options) {
    if (given.has(option.key) || option.spec.noEffect) continue;
    const found = fromEnvironment(option, env);
    if (found) given.set(option.key, found);
  }
}

/** Config and notices from what was given for the router's `options`, which may be prefixed. */
export function configOf(options: readonly Option[], given: ReadonlyMap<string, Given>): RouterSettings {
  const values = valuesOf(options, given);
  const fields = Object.keys(OPTIONS).map((key) => [key, values[key]]);
  const config = deepFreeze(Object.fromEntries(fields) as Config);
  return { config, notices: noticesOf(options, given) };
}

/** The value of every option: given or default. A value that cannot be read is a usage error that names its source. */
export function valuesOf(options: readonly Option[], given: ReadonlyMap<string, Given>): Record<string, unknown> {
  return Object.fromEntries(options.map(({ key, spec }) => [key, valueFor(spec, given.get(key))]));
}

function valueFor(spec: Option['spec'], given: Given | undefined): unknown {
  if (!given) return spec.default;
  try {
    return spec.parse(given.occurrences);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    const hint = error.hint ?? hintFor(spec, given);
    throw new ExitError('usage', `${given.source}: ${error.message}`, { hint, cause: error });
  }
}

/** What may have gone wrong with the words, whatever they stand for. */
function hintFor({ arity }: Option['spec'], { occurrences, origin }: Given): string | undefined {
  const words = occurrences.flat();
  if (words.some((word) => /^["'`\u2018-\u201f\u00ab\u00bb]|["'`\u2018-\u201f\u00ab\u00bb]$/.test(word))) {
    return 'leave out the quotes that are part of the value';
  }
  const list = arity === 'any' || arity === 'some';
  if (!list || !words.some((word) => /[,;\s]/.test(word))) return undefined;
  return origin.kind === 'file' ? 'write a list: [A, B]' : 'write each value by itself, with spaces between them';
}

/** Freezes a value and everything in it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
