import { ExitError } from '../errors.ts';
import type { Given, Option } from './argv.ts';
import { show } from './values.ts';

export type Env = Readonly<Record<string, string | undefined>>;

const TRUE = ['1', 'true', 'yes', 'on'];
const FALSE = ['0', 'false', 'no', 'off'];

/** The variables of an option, first come first served: `--queue-size` → `SGLANG_ROUTER_QUEUE_SIZE`. */
export function variablesOf({ spec }: Option): readonly string[] {
  const names = spec.flags.map((flag) =>
    flag
      .replace(/^--(router-)?/, '')
      .replaceAll('-', '_')
      .toUpperCase(),
  );
  return [...(spec.env ?? []), ...names.map((name) => `SGLANG_ROUTER_${name}`)];
}

/** What the environment gives for an option; an empty variable gives nothing. */
export function fromEnvironment(option: Option, env: Env): Given | undefined {
  for (const source of variablesOf(option)) {
    const value = env[source]?.trim();
    // Kubernetes sets SGLANG_ROUTER_PORT=tcp://… in every pod beside a service that is named sglang-router.
    if (!value || (source === 'SGLANG_ROUTER_PORT' && /^\w+:\/\//.test(value))) continue;
    const occurrences = occurrencesIn(value, source, option);
    return occurrences && { source, occurrences };
  }
  return undefined;
}

function occurrencesIn(value: string, source: string, { spec }: Option): readonly (readonly string[])[] | undefined {
  if (spec.arity === 'none') return readSwitch(value, source) ? [[]] : undefined;
  // A selector is taken apart by its own rules: `tier in (gpu,cpu)`.
  if (spec.arity === 'one' || spec.type === 'selector') return [[value]];
  const words = value.split(/[\s,]+/).filter(Boolean);
  if (spec.type !== 'prefill') return [words];
  // A URL begins the next server: `http://a 9000, http://b`.
  const servers: string[][] = [];
  for (const word of words) {
    if (word.includes('://') || servers.length === 0) servers.push([word]);
    else servers.at(-1)!.push(word);
  }
  return servers;
}

function readSwitch(value: string, source: string): boolean {
  const word = value.toLowerCase();
  if (TRUE.includes(word)) return true;
  if (FALSE.includes(word)) return false;
  throw new ExitError('usage', `${source}: expected true or false, got ${show(value)}`);
}
