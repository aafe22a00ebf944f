import { ValueError } from '../config/values.ts';
import { RouterError } from '../errors/errors.ts';

/** The fields of a JSON object or of a query. */
export type Fields = Readonly<Record<string, unknown>>;

/** Those of a query. Throws RouterError `bad_request` for one that is given twice: only one could count. */
export function fieldsOf(query: URLSearchParams): Fields {
  const names = [...query.keys()];
  const twice = names.find((name, at) => names.indexOf(name) < at);
  if (twice !== undefined)
    throw new RouterError('bad_request', `expected ${twice} once, got it ${query.getAll(twice).length} times`);
  return Object.fromEntries(query);
}

/** A text; undefined where the field is absent or null, as with the other readers. Throws RouterError 422 for another type. */
export function textOf(fields: Fields, name: string): string | undefined {
  return read(fields, name, 'a string', (value) => (typeof value === 'string' ? value : undefined));
}

/** A number of at least 0, also as text, as a query has it. */
export function amountOf(fields: Fields, name: string): number | undefined {
  return read(fields, name, 'a number of at least 0', (value) => {
    const amount = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    return typeof amount === 'number' && amount >= 0 && Number.isFinite(amount) ? amount : undefined;
  });
}

export function flagOf(fields: Fields, name: string): boolean | undefined {
  return read(fields, name, 'true or false', (value) => (typeof value === 'boolean' ? value : undefined));
}

/** An object of texts. */
export function labelsOf(fields: Fields, name: string): Readonly<Record<string, string>> | undefined {
  return read(fields, name, 'an object of strings', (value) => (isLabels(value) ? value : undefined));
}

/** A word as the command line has it. Throws RouterError `bad_request` for one that `parse` refuses. */
export function wordOf<T>(fields: Fields, name: string, parse: (word: string) => T): T | undefined {
  return parsed(name, textOf(fields, name), parse);
}

/** The same for what is a number in JSON. */
export function countOf<T>(fields: Fields, name: string, parse: (word: string) => T): T | undefined {
  const word = read(fields, name, 'a string or a number', (value) =>
    typeof value === 'string' || typeof value === 'number' ? String(value) : undefined,
  );
  return parsed(name, word, parse);
}

function parsed<T>(name: string, word: string | undefined, parse: (word: string) => T): T | undefined {
  try {
    return word === undefined ? undefined : parse(word);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw new RouterError('bad_request', `${name}: ${error.whole}`);
  }
}

function read<T>(fields: Fields, name: string, expected: string, take: (value: unknown) => T | undefined) {
  const value = fields[name];
  if (value === undefined || value === null) return undefined;
  const taken = take(value);
  if (taken !== undefined) return taken;
  const got = name === 'api_key' ? kindOf(value) : show(value);
  throw new RouterError('unprocessable_entity', `${name}: expected ${expected}, got ${got}`);
}

function show(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** What a JSON value is, where it may be a key. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function isLabels(value: unknown): value is Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((label) => typeof label === 'string');
}
