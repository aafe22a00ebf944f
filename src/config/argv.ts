import { ExitError } from '../errors.ts';
import { nearest } from './nearest.ts';
import type { Spec } from './spec.ts';
import { show } from './values.ts';

/** The flags of a command line, each with its option: `--port` → the port. */
export type Vocabulary = ReadonlyMap<string, Option>;

export interface Option {
  readonly key: string;
  readonly spec: Spec;
}

/** What was given for an option: where, for messages, and the words of each occurrence. */
export interface Given {
  readonly source: string;
  readonly occurrences: readonly (readonly string[])[];
}

/** Finds the option that a flag's name means; undefined where it means none. */
export type Find = (name: string) => { readonly flag: string; readonly option: Option } | undefined;

/**
 * Splits a command line as Python's argparse does: `--flag value`, `--flag=value`, words up to the next flag for lists,
 * negative numbers as values. Words that belong to no option go to `other`, in order, and so do
 * those of options to `passOn`.
 */
export function scan(
  argv: readonly string[],
  find: Find,
  other: (word: string) => void,
  passOn: (option: Option) => boolean = () => false,
): Map<string, Given> {
  const given = new Map<string, Given>();
  let at = 0;
  while (at < argv.length) {
    const word = argv[at++]!;
    if (word === '--') {
      for (const rest of argv.slice(at - 1)) other(rest);
      break;
    }
    const equals = word.indexOf('=');
    const name = equals < 0 ? word : word.slice(0, equals);
    const found = isFlag(name) ? find(name) : undefined;
    if (!found) {
      other(word);
      continue;
    }
    const { flag, option } = found;
    const start = at - 1;
    const words =
      equals < 0 ? takeWords(flag, option.spec, argv, at) : [inlineValue(flag, option.spec, word.slice(equals + 1))];
    if (equals < 0) at += words.length;
    if (passOn(option)) argv.slice(start, at).forEach(other);
    const before = given.get(option.key)?.occurrences ?? [];
    given.set(option.key, { source: flag, occurrences: [...before, words] });
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

/** A word that no option takes. */
export function unexpected(word: string, flags: Iterable<string>): ExitError {
  const hint = '--help lists all flags';
  if (!isFlag(word))
    return new ExitError('usage', `unexpected argument ${show(word)}: values follow a --flag`, { hint });
  const name = word.split('=', 1)[0]!;
  const known = [...flags];
  const bare = name.replace(/^--router-/, '--');
  const meant = known.includes(bare) ? bare : nearest(name, known);
  return new ExitError('usage', `unknown flag ${name}${meant ? `; did you mean ${meant}?` : ''}`, { hint });
}

/** Where argparse sees a flag: a dash first, and neither a negative number nor a sentence. */
export function isFlag(word: string): boolean {
  return word.startsWith('-') && word.length > 1 && !/^-\d+$|^-\d*\.\d+$/.test(word) && !word.includes(' ');
}

function takeWords(flag: string, { arity }: Spec, argv: readonly string[], at: number): readonly string[] {
  if (arity === 'none') return [];
  let end = at;
  while (end < argv.length && !isFlag(argv[end]!) && argv[end] !== '--' && (arity !== 'one' || end === at)) end++;
  if (end > at || arity === 'any') return argv.slice(at, end);
  const next = argv[at];
  const came =
    next === undefined
      ? 'got nothing'
      : `got the flag ${next}; a value that starts with a dash is written ${flag}=VALUE`;
  throw new ExitError('usage', `${flag}: expected a value, ${came}`);
}

function inlineValue(flag: string, { arity }: Spec, value: string): string {
  if (arity === 'none') throw new ExitError('usage', `${flag} takes no value, got ${show(value)}`);
  return value;
}
