import { ExitError } from '../errors/errors.ts';
import type { Given, Option } from './argv.ts';
import { LAUNCH_OPTIONS } from './launch-options.ts';
import { nearest } from './nearest.ts';
import { show } from './values.ts';
import { optionsOf, ROUTER_OPTIONS } from './vocabulary.ts';

/** What separates keys with names, which may have spaces in them: `a:The admin:admin:KEY1, b:Others:user:KEY2`. */
const NEXT_KEY = /[\s,]+(?=[^\s:,]*:[^:,]*:(?:admin|user):)/i;

export type Env = Readonly<Record<string, string | undefined>>;

const TRUE = ['1', 'true', 'yes', 'on'];
const FALSE = ['0', 'false', 'no', 'off'];

const PREFIX = 'SGLANG_ROUTER_';
/** Read by the Python package, or set by it. */
const OF_THE_PACKAGE = ['NODE', 'PYTHON', 'PROG', 'NOHUP'].map((name) => PREFIX + name);
/** What Kubernetes sets in every pod beside a service whose name begins with sglang-router. */
const OF_A_SERVICE = /_SERVICE_(?:HOST|PORT(?:_\w+)?)$|_PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?$/;
const ADDRESS = /^\w+:\/\//;

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
    if (!value || (source === 'SGLANG_ROUTER_PORT' && ADDRESS.test(value))) continue;
    return {
      source,
      origin: { kind: 'environment', place: source },
      occurrences: occurrencesIn(value, source, option),
    };
  }
  return undefined;
}

/** One line for each variable of our prefix that nothing reads. It is no error: others may use the prefix for their own ends. */
export function unknownVariables(env: Env): readonly string[] {
  const set = Object.keys(env).filter((name) => name.startsWith(PREFIX) && env[name]?.trim());
  if (set.length === 0) return [];
  const known = [...ROUTER_OPTIONS, ...optionsOf(LAUNCH_OPTIONS)].flatMap(variablesOf);
  const read = new Set([...known, ...OF_THE_PACKAGE]);
  const ofService = (name: string) =>
    OF_A_SERVICE.test(name) || (name.endsWith('_PORT') && ADDRESS.test(env[name] ?? ''));
  const unknown = set.filter((name) => !read.has(name) && !ofService(name));
  // Without the prefix, which they all have: it would make far names look near.
  const names = known.filter((name) => name.startsWith(PREFIX)).map((name) => name.slice(PREFIX.length));
  return unknown.map((name) => {
    const meant = nearest(name.slice(PREFIX.length), names);
    return `the variable ${name} is not read by the router${meant ? `; did you mean ${PREFIX}${meant}?` : ''}`;
  });
}

function occurrencesIn(value: string, source: string, { spec }: Option): Given['occurrences'] {
  if (spec.arity === 'none') return switchOccurrences(value, source);
  // A selector is taken apart by its own rules: `tier in (gpu,cpu)`.
  if (spec.arity === 'one' || spec.type === 'selector') return [[value]];
  if (spec.secret) return [value.split(value.includes('\n') ? '\n' : NEXT_KEY)];
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

/** A switch has no words: it is there, or it is not. */
export function switchOccurrences(value: string, source: string): Given['occurrences'] {
  const word = value.toLowerCase();
  if (TRUE.includes(word)) return [[]];
  if (FALSE.includes(word)) return [];
  throw new ExitError('usage', `${source}: expected true or false, got ${show(value)}`);
}
