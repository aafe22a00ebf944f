import { readBootstrapPort, readKey, readRole, readUrl, serverOf, show, ValueError } from '../../config/values.ts';
import type { Role, WorkerSpec } from '../worker-spec.ts';

/** Most mistakes that are reported. */
const TOLD = 5;

/** A workers file with mistakes, the first few with the number of their line. */
export class WorkersFileError extends Error {
  override readonly name = 'WorkersFileError';
}

/** What the lines of a workers file may say. */
interface LineContext {
  /** The roles that the router uses. */
  readonly roles: readonly Role[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

type Attributes = Pick<WorkerSpec, 'role' | 'bootstrapPort' | 'apiKey'>;

/** Attribute → reader of its value. */
const ATTRIBUTES = new Map<string, (word: string, context: LineContext) => Attributes>([
  ['role', (word, { roles }) => ({ role: readRole(word, roles) })],
  ['bootstrap_port', (word) => ({ bootstrapPort: readBootstrapPort(word) })],
  ['api_key_env', (word, { env }) => ({ apiKey: readVariable(word, env) })],
]);

/**
 * The workers of a file with one a line: `URL [role=prefill|decode] [bootstrap_port=N] [api_key_env=NAME]`. A `#` begins
 * a comment. Throws a WorkersFileError that tells every mistake.
 */
export function parseWorkersFile(text: string, context: LineContext): readonly WorkerSpec[] {
  const specs = new Map<string, WorkerSpec & { readonly line: number }>();
  const problems: string[] = [];
  for (const [index, words] of text.split('\n').entries()) {
    const line = index + 1;
    try {
      const spec = readLine(words, context);
      if (!spec) continue;
      const before = specs.get(serverOf(spec.url));
      if (before) throw new ValueError(`${show(spec.url)} is the server of line ${before.line}`, 'name each once');
      specs.set(serverOf(spec.url), { ...spec, line });
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      problems.push(`line ${line}: ${error.whole}`);
    }
  }
  if (problems.length > 0) throw new WorkersFileError(inShort(problems));
  return Array.from(specs.values(), ({ line: _, ...spec }) => spec);
}

function inShort(problems: readonly string[]): string {
  const more = problems.length - TOLD;
  return [...problems.slice(0, TOLD), ...(more > 0 ? [`and ${more} more lines`] : [])].join('; ');
}

function readLine(line: string, context: LineContext): WorkerSpec | undefined {
  const [url, ...words] = line
    .replace(/(^|\s)#.*/, '')
    .trim()
    .split(/\s+/);
  if (!url) return undefined;
  const attributes = words.map((word) => readAttribute(word, context));
  const spec: WorkerSpec = Object.assign({ url: readUrl(url) }, ...attributes);
  const { roles } = context;
  if (!roles.includes(spec.role ?? 'regular')) throw new ValueError(`needs role=${roles.join(' or role=')}`);
  if (spec.bootstrapPort !== undefined && spec.role !== 'prefill') {
    throw new ValueError('bootstrap_port needs role=prefill');
  }
  return spec;
}

function readAttribute(word: string, context: LineContext): Attributes {
  const [name = '', value = ''] = word.split(/=(.*)/s, 2);
  const read = ATTRIBUTES.get(name);
  if (!read || !word.includes('=')) {
    const hint = word.includes('://') ? 'one worker a line' : undefined;
    throw new ValueError(`expected one of ${[...ATTRIBUTES.keys()].join('=, ')}=, got ${show(word)}`, hint);
  }
  try {
    return read(value, context);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw new ValueError(`${name}: ${error.message}`, error.hint);
  }
}

function readVariable(name: string, env: LineContext['env']): string {
  const value = env[name];
  if (!value) throw new ValueError(`expected the name of a variable with a key, but ${show(name)} is not set`);
  return readKey(value);
}
