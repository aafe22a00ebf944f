import { ExitError } from '../errors/errors.ts';
import type { Given, Option, Vocabulary } from './argv.ts';
import { switchOccurrences } from './environment.ts';
import type { Spec } from './spec.ts';
import { readTextFile } from './text-file.ts';
import { show } from './values.ts';
import type { Value, YamlLine } from './yaml.ts';

/** Why a name that no option of the command has is refused. */
type Refuse = (flag: string) => ExitError;

/**
 * Adds to `given` what the file that it names (`--config`, or `--router-config` of launch_server) has for options that neither
 * the command line nor the environment gives. Throws a usage error that tells the line.
 */
export async function addConfigFile(given: Map<string, Given>, vocabulary: Vocabulary, refuse: Refuse): Promise<void> {
  const named = given.get('configFile');
  const path = named?.occurrences.at(-1)?.[0];
  if (named === undefined || path === undefined) return;
  const lines = new Map<string, number>();
  for (const { key, value, line } of await readLines(named.source, path)) {
    const place = `${path}, line ${line}`;
    const name = key.replace(/^--/, '').replaceAll('_', '-');
    const option = vocabulary.get(`--${name}`);
    if (!option) throw elsewhere(place, refuse(`--${name}`));
    if (option.key === 'configFile')
      throw new ExitError('usage', `${place}: a file names no further file, got ${name}`);
    const before = lines.get(option.key);
    if (before !== undefined) {
      throw new ExitError('usage', `${place}: ${name} stands twice, before in line ${before}`, {
        hint: 'several values of one name are a list: [A, B]',
      });
    }
    lines.set(option.key, line);
    const source = `${name} in ${place}`;
    const occurrences = occurrencesOf(value, source, option);
    if (!given.has(option.key)) given.set(option.key, { source, origin: { kind: 'file', place }, occurrences });
  }
}

/** The lines of a YAML file of settings that `flag` names; YAML is loaded only now. Throws a usage error. */
export async function readLines(flag: string, path: string): Promise<readonly YamlLine[]> {
  const [text, { linesOf, YamlError }] = await Promise.all([readTextFile(flag, path), import('./yaml.ts')]);
  try {
    return linesOf(text);
  } catch (cause) {
    if (!(cause instanceof YamlError)) throw cause;
    throw new ExitError('usage', `${flag} ${path}: ${cause.message}`, {
      hint: 'a setting is written port: 30000, one a line',
      cause,
    });
  }
}

function elsewhere(place: string, { message, hint }: ExitError): ExitError {
  return new ExitError('usage', `${place}: ${message}`, { hint });
}

/** The words of a value, as the command line would have them. */
function occurrencesOf(value: Value, source: string, { spec }: Option): Given['occurrences'] {
  const refuse = (expected: string, hint?: string) => {
    throw new ExitError('usage', `${source}: expected ${expected}, got ${kindOf(value, spec)}`, { hint });
  };
  if (spec.arity === 'none') {
    if (typeof value !== 'string') return refuse('true or false');
    return switchOccurrences(value, source);
  }
  if (value === '') return refuse('a value', 'leave the line out for the default');
  const words = wordsOf(value, spec);
  if (words === undefined) return refuse(EXPECTED[spec.type] ?? 'one value');
  return spec.type === 'prefill' ? words.map((word) => word.split(/\s+/)) : [words];
}

/** Undefined where the value has another shape than the option. */
function wordsOf(value: Value, { arity, type }: Spec): readonly string[] | undefined {
  if (typeof value === 'string') return [value];
  if (arity === 'one') return undefined;
  if (Array.isArray(value)) return value.every((item) => typeof item === 'string') ? value : undefined;
  const labels = Object.entries(value);
  if (type !== 'selector' || labels.some(([, label]) => typeof label !== 'string')) return undefined;
  return labels.map(([name, label]) => `${name}=${label}`);
}

const EXPECTED: Readonly<Partial<Record<Spec['type'], string>>> = {
  list: 'a value or a list of values',
  selector: 'labels such as {app: worker}, or a list of requirements',
  prefill: 'a list of URL or URL PORT',
};

function kindOf(value: Value, { secret }: Spec): string {
  if (value === '') return 'none';
  if (typeof value === 'string') return secret ? 'a text' : show(value);
  return Array.isArray(value) ? 'a list' : 'a map';
}
