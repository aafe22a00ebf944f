import type { Option, Vocabulary } from './argv.ts';
import { COMPAT_OPTIONS } from './compat.ts';
import { LAUNCH_OPTIONS, SERVER_OPTIONS } from './launch-options.ts';
import { OPTIONS } from './options.ts';
import { file, type Spec } from './spec.ts';

/** Options that launch_server spells as launch_router does; all others get `--router-` there. */
const UNPREFIXED: ReadonlySet<string> = new Set(['host', 'port', 'workerUrls']);

/** Where further values of options stand; none itself. Scripts that add the router's flags to their own often have a `--config`. */
const CONFIG_FILE = {
  configFile: file({
    flags: ['--config'],
    group: 'core',
    python: false,
    help: 'YAML file with values of these flags, one a line, such as port: 30000; see docs/configuration.md',
  }),
};

/** Every option of the router, those without effect last. */
export const ROUTER_OPTIONS: readonly Option[] = [
  ...optionsOf(OPTIONS),
  ...optionsOf(CONFIG_FILE),
  ...optionsOf(COMPAT_OPTIONS),
];

/** The same as launch_server has them. */
export const PREFIXED_OPTIONS: readonly Option[] = ROUTER_OPTIONS.map(prefixed);

/** All that launch_server reads: of the servers' flags, its own, and the router's. */
export const CO_LAUNCH_OPTIONS: readonly Option[] = [
  ...optionsOf(SERVER_OPTIONS),
  ...optionsOf(LAUNCH_OPTIONS),
  ...PREFIXED_OPTIONS,
];

/** The rows of a table as options. */
export function optionsOf(table: Readonly<Record<string, Spec>>): readonly Option[] {
  return Object.entries(table).map(([key, spec]) => ({ key, spec }));
}

/** Every spelling of every option. */
export function vocabularyOf(options: readonly Option[]): Vocabulary {
  return new Map(options.flatMap((option) => option.spec.flags.map((flag) => [flag, option] as const)));
}

/** The option as launch_server has it: `--policy` → `--router-policy`. */
export function prefixed(option: Option): Option {
  if (UNPREFIXED.has(option.key)) return option;
  const [first, ...aliases] = option.spec.flags.map(prefixedFlag);
  return { key: option.key, spec: { ...option.spec, flags: [first!, ...aliases] } };
}

/** `--policy` → `--router-policy`. */
export function prefixedFlag(flag: string): string {
  return flag.replace(/^--/, '--router-');
}

const BARE: ReadonlyMap<string, string> = new Map(
  ROUTER_OPTIONS.flatMap((option) => option.spec.flags.map((flag, at) => [flag, prefixed(option).spec.flags[at]!])),
);

/** A message about the router's flags as launch_server spells them. */
export function inFlagsOfLaunch(message: string): string {
  return message.replace(/(?<![\w-])--[a-z][a-z0-9-]*/g, (flag) => BARE.get(flag) ?? flag);
}
