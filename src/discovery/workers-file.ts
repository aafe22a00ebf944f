import { readBootstrapPort, readRole, readUrl, show, ValueError } from '../config/values.ts';
import type { Role, WorkerSpec } from '../workers/worker-spec.ts';

/** A workers file with mistakes: one line each, with its number. */
export class WorkersFileError extends Error {
  override readonly name = 'WorkersFileError';
}

/** What a line may say depends on it. */
export interface Surroundings {
  /** Those that the router has use for. */
  readonly roles: readonly Role[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

type Attributes = Pick<WorkerSpec, 'role' | 'bootstrapPort' | 'apiKey'>;

/** How the value of each attribute is read. */
const ATTRIBUTES = new Map<string, (word: string, surroundings: Surroundings) => Attributes>([
  ['role', (word, { roles }) => ({ role: readRole(word, roles) })],
  ['bootstrap_port', (word) => ({ bootstrapPort: readBootstrapPort(word) })],
  ['api_key_env', (word, { env }) => ({ apiKey: readVariable(word, env) })],
]);

/**
 * The workers of a file with one a line: `URL [role=prefill|decode] [bootstrap_port=N] [api_key_env=NAME]`. A `#` begins
 * a comment. Throws a WorkersFileError that tells every mistake.
 */
export function parseWorkersFile(text: string, surroundings: Surroundings): readonly WorkerSpec[] {
  const specs = new Map<string, WorkerSpec>();
  const problems: string[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    try {
      const spec = readLine(line, surroundings);
      if (!spec) continue;
      if (specs.has(spec.url)) throw new ValueError(`${show(spec.url)} is there already`);
      specs.set(spec.url, spec);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      problems.push(`line ${index + 1}: ${error.message}`);
    }
  }
  if (problems.length > 0) throw new WorkersFileError(problems.join('; '));
  return [...specs.values()];
}

function readLine(line: string, surroundings: Surroundings): WorkerSpec | undefined {
  const [url, ...words] = line
    .replace(/(^|\s)#.*/, '')
    .trim()
    .split(/\s+/);
  if (!url) return undefined;
  const attributes = words.map((word) => readAttribute(word, surroundings));
  const spec: WorkerSpec = Object.assign({ url: readUrl(url) }, ...attributes);
  const { roles } = surroundings;
  if (!roles.includes(spec.role ?? 'regular')) throw new ValueError(`needs role=${roles.join(' or role=')}`);
  if (spec.bootstrapPort !== undefined && spec.role !== 'prefill') {
    throw new ValueError('bootstrap_port needs role=prefill');
  }
  return spec;
}

function readAttribute(word: string, surroundings: Surroundings): Attributes {
  const [name = '', value = ''] = word.split(/=(.*)/s, 2);
  const read = ATTRIBUTES.get(name);
  if (!read || !word.includes('=')) {
    throw new ValueError(`expected one of ${[...ATTRIBUTES.keys()].join('=, ')}=, got ${show(word)}`);
  }
  try {
    return read(value, surroundings);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw new ValueError(`${name}: ${error.message}`);
  }
}

function readVariable(name: string, env: Surroundings['env']): string {
  const value = env[name];
  if (!value) throw new ValueError(`expected the name of a variable with a key, but ${show(name)} is not set`);
  return value;
}
