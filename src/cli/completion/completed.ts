import { BENCH_OPTIONS } from '../../bench/options.ts';
import { WORKLOADS } from '../../bench/workloads/index.ts';
import { OPTIONS } from '../../config/options.ts';
import type { Spec } from '../../config/spec.ts';
import { CO_LAUNCH_OPTIONS, ROUTER_OPTIONS } from '../../config/vocabulary.ts';
import { SIM_OPTIONS } from '../../sim/options.ts';
import type { SmallCommand } from '../small-command.ts';

/** What a flag takes: nothing, a file, a folder, one of some words, or what only the user knows. */
export type Values = 'none' | 'file' | 'folder' | 'text' | readonly string[];

/** A flag as a shell offers it. */
export interface CompletedFlag {
  /** All spellings, each with its dashes. */
  readonly names: readonly string[];
  readonly help: string;
  readonly values: Values;
  /** Takes any number of values in a row; fish offers the first. */
  readonly many: boolean;
}

/** A command as a shell offers it. */
export interface CompletedCommand {
  /** The name, then its aliases. */
  readonly names: readonly string[];
  readonly summary: string;
  /** What may stand in place of flags. */
  readonly words: readonly string[];
  readonly flags: readonly CompletedFlag[];
}

/** What a command's row in the table of commands tells. */
export interface NamedCommand {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly summary: string;
  readonly small?: () => Promise<SmallCommand>;
}

/** After `config` may stand the command that it is about; without one it is about the first of these. */
export const CONFIG = 'config';
const CONFIGURED = ['server', 'router'];
export const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** All commands with all their flags. */
export async function completedCommands(rows: readonly NamedCommand[]): Promise<readonly CompletedCommand[]> {
  const commands = rows.map(async ({ name, aliases, summary, small }) => ({
    names: [name, ...aliases],
    summary,
    words: WORDS[name] ?? [],
    flags: [
      ...(FLAGS[name]?.() ?? []),
      ...(small ? flagsOfSmall(await small()) : []),
      ...(WITH_MANY_FLAGS.includes(name) ? [HELP_ALL] : []),
      HELP,
    ],
  }));
  const help = { names: ['help'], summary: 'print help of a command', words: rows.map(({ name }) => name), flags: [] };
  return [...(await Promise.all(commands)), help];
}

const WORDS: Readonly<Record<string, readonly string[]>> = { [CONFIG]: CONFIGURED, completion: SHELLS };
const HELP: CompletedFlag = { names: ['--help', '-h'], help: 'print help and exit', values: 'none', many: false };
const HELP_ALL: CompletedFlag = {
  names: ['--help-all'],
  help: 'print all flags and exit',
  values: 'none',
  many: false,
};
/** Their help is in two parts. */
const WITH_MANY_FLAGS = ['server', 'router'];

const serverFlags = () => flagsOfSpecs(CO_LAUNCH_OPTIONS);

const FLAGS: Readonly<Record<string, () => readonly CompletedFlag[]>> = {
  server: serverFlags,
  [CONFIG]: serverFlags,
  doctor: serverFlags,
  router: () => flagsOfSpecs(ROUTER_OPTIONS),
  'sim-engine': () =>
    Object.values(SIM_OPTIONS).map(({ flags, help, metavar }) => flagOf(flags, help, valuesOfMetavar(metavar))),
  bench: () =>
    Object.values(BENCH_OPTIONS)
      .filter(({ flag }) => flag !== '--help')
      .map(({ flag, help, metavar }) => flagOf([flag], help, BENCH_VALUES[flag] ?? valuesOfMetavar(metavar))),
};

const BENCH_VALUES: Readonly<Record<string, Values>> = {
  '--workload': ['all', ...WORKLOADS.map(({ name }) => name)],
  '--policy': OPTIONS.policy.choices ?? [],
};

function flagsOfSpecs(options: readonly { readonly spec: Spec }[]): readonly CompletedFlag[] {
  return options
    .filter(({ spec }) => !spec.noEffect)
    .map(({ spec }) => {
      const { flags, help, arity, choices, metavar } = spec;
      const values = arity === 'none' ? 'none' : (choices ?? valuesOfMetavar(metavar ?? 'TEXT'));
      return { names: flags, help, values, many: arity === 'any' || arity === 'some' };
    });
}

/** `-n, --lines <n>`. */
function flagsOfSmall({ flags }: SmallCommand): readonly CompletedFlag[] {
  return flags.map(([text, help]) => {
    const names = text.match(/--?[a-z][a-z-]*/g) ?? [];
    return flagOf(names, help, text.includes('<') ? 'text' : 'none');
  });
}

function flagOf(names: readonly string[], help: string, values: Values): CompletedFlag {
  return { names, help, values, many: false };
}

function valuesOfMetavar(metavar: string | undefined): Values {
  if (metavar === undefined) return 'none';
  if (metavar === 'FILE') return 'file';
  if (metavar === 'DIR' || metavar === 'FOLDER') return 'folder';
  // `N|auto` is a number or that word.
  const words = metavar.split('|').filter((word) => word !== metavar && /^[a-z]/.test(word));
  return words.length > 0 ? words : 'text';
}
