import { ExitError } from '../errors/errors.ts';
import { didYouMean } from './nearest.ts';
import { FROM_COMMAND_LINE, type Origin } from './origin.ts';
import { SMG_FLAGS } from './smg.ts';
import type { Spec } from './spec.ts';
import { show } from './values.ts';

/** The flags of a command line, each with its option: `--port` → the port. */
export type Vocabulary = ReadonlyMap<string, Option>;

export interface Option {
  readonly key: string;
  readonly spec: Spec;
}

/** What was given for an option, and where. */
export interface Given {
  /** The flag, the variable, or the name in a file with its line, for messages. */
  readonly source: string;
  readonly origin: Origin;
  /** The words of each occurrence; none where a switch is turned off. */
  readonly occurrences: readonly (readonly string[])[];
}

/** Finds the option that a flag's name means; undefined where it means none. */
export type Find = (name: string) => { readonly flag: string; readonly option: Option } | undefined;

/**
 * Splits a command line as Python's argparse does: `--flag value`, `--flag=value`, words up to the next flag for lists,
 * negative numbers as values. Flags that belong to no option go to `other` with the words after them, in order, and so
 * do those of options to `passOn`. Throws a usage error for a word that no flag takes.
 */
export function scan(
  argv: readonly string[],
  find: Find,
  other: (word: string) => void,
  passOn: (option: Option) => boolean = () => false,
): Map<string, Given> {
  refuseLookalikes(argv);
  const given = new Map<string, Given>();
  // The flag before a word, as it was written; nothing where that is none of ours and may take any number of words.
  let last: { readonly typed: string; readonly spec?: Spec } | undefined = { typed: '' };
  let at = 0;
  while (at < argv.length) {
    const word = argv[at++]!;
    if (word === '--') throw new ExitError('usage', 'expected flags, got -- alone', { hint: 'leave it out' });
    const equals = word.indexOf('=');
    const name = equals < 0 ? word : word.slice(0, equals);
    const found = isFlag(name) ? find(name) : undefined;
    if (!found) {
      if (last && !isFlag(word)) throw stray(word, last.typed, last.spec);
      if (isFlag(word)) last = undefined;
      other(word);
      continue;
    }
    const { flag, option } = found;
    last = { typed: name, spec: option.spec };
    const start = at - 1;
    const words =
      equals < 0 ? takeWords(flag, option.spec, argv, at) : [inlineValue(flag, option.spec, word.slice(equals + 1))];
    if (equals < 0) at += words.length;
    if (passOn(option)) argv.slice(start, at).forEach(other);
    const before = given.get(option.key)?.occurrences ?? [];
    given.set(option.key, { source: flag, origin: FROM_COMMAND_LINE, occurrences: [...before, words] });
  }
  return given;
}

/** Finds flags by their name or by any beginning of it that only one option has, as argparse does. */
export function findAbbreviated(vocabulary: Vocabulary): Find {
  return (name) => {
    const exact = vocabulary.get(name);
    if (exact) return { flag: name, option: exact };
    if (!name.startsWith('--')) return undefined;
    const [first, ...others] = [...vocabulary].filter(([flag]) => flag.startsWith(name));
    if (!first) return undefined;
    const different = others.filter(([, option]) => option.key !== first[1].key);
    if (different.length === 0) return { flag: first[0], option: first[1] };
    const could = [first, ...different].map(([flag]) => flag);
    throw new ExitError('usage', `${name} could be ${could.join(', ')}`, { hint: 'write the flag in full' });
  };
}

/** A flag that no option has. */
export function unknownFlag(word: string, flags: Iterable<string>): ExitError {
  const name = word.split('=', 1)[0]!;
  const instead = SMG_FLAGS.get(name.replace(/^--router-(?!selector$)/, '--'));
  if (instead !== undefined)
    return new ExitError('usage', `${name} is a flag of smg, and none here`, { hint: instead });
  const known = [...flags];
  const bare = name.replace(/^--router-/, '--');
  const meant = known.includes(bare) ? `; did you mean ${bare}?` : didYouMean(name, known);
  return new ExitError('usage', `unknown flag ${name}${meant}`, { hint: '--help-all lists all flags' });
}

/** A word that no flag takes; `typed` is the flag before it. */
function stray(word: string, typed: string, spec: Spec | undefined): ExitError {
  if (spec?.secret) {
    const hint = 'a key with spaces in it is written in quotes';
    return new ExitError('usage', `${typed} takes one value, and got more than one`, { hint });
  }
  if (spec?.arity === 'none') return needless(typed, word);
  const hint = '--help-all lists all flags';
  return new ExitError('usage', `unexpected argument ${show(word)}: values follow a --flag`, { hint });
}

function needless(flag: string, value: string): ExitError {
  return new ExitError('usage', `${flag} takes no value, got ${show(value)}`, {
    hint: `write ${flag} alone, or leave it out for false`,
  });
}

/** Flags as documents print them: `–policy` and `—policy` are no flags for any program, and their values would go astray. */
function refuseLookalikes(argv: readonly string[]): void {
  for (const word of argv) {
    const [, name] = /^-?[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]+-?([a-z][\w-]*)(?:=.*)?$/is.exec(word) ?? [];
    if (name === undefined) continue;
    const shown = show(word.split('=', 1)[0]!);
    throw new ExitError('usage', `expected a flag that begins with --, got ${shown}, which begins with another dash`, {
      hint: `write --${name}`,
    });
  }
}

/** Where argparse sees a flag: a dash first, and neither a negative number nor a sentence. */
export function isFlag(word: string): boolean {
  return word.startsWith('-') && word.length > 1 && !/^-\d+$|^-\d*\.\d+$/.test(word) && !word.includes(' ');
}

function takeWords(flag: string, { arity, secret }: Spec, argv: readonly string[], at: number): readonly string[] {
  if (arity === 'none') return [];
  let end = at;
  while (end < argv.length && !isFlag(argv[end]!) && (arity !== 'one' || end === at)) end++;
  if (end > at || arity === 'any') return argv.slice(at, end);
  const next = argv[at];
  if (next === undefined) throw new ExitError('usage', `${flag}: expected a value, got nothing`);
  const came = secret ? 'a word that starts with a dash' : `the flag ${next.split('=', 1)[0]}`;
  throw new ExitError('usage', `${flag}: expected a value, got ${came}`, {
    hint: `a value that starts with a dash is written ${flag}=VALUE`,
  });
}

function inlineValue(flag: string, { arity }: Spec, value: string): string {
  if (arity === 'none') throw needless(flag, value);
  return value;
}
