import { InvalidBodyError } from './errors.ts';

/** A parsed JSON object. */
export type Json = Readonly<Record<string, unknown>>;

/** The body as a JSON object. Throws InvalidBodyError. */
export function parseBody(body: Buffer): Json {
  if (body.length === 0) throw new InvalidBodyError('missing', undefined, 'Field required');
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch {
    throw new InvalidBodyError('json_invalid', undefined, 'JSON decode error');
  }
  if (isObject(value)) return value;
  throw new InvalidBodyError('model_attributes_type', undefined, 'Input should be a valid dictionary');
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

export function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'number');
}

/** A field that must be there. Throws InvalidBodyError. */
export function required(body: Json, field: string): unknown {
  const value = body[field];
  if (value === undefined || value === null) throw new InvalidBodyError('missing', field, 'Field required');
  return value;
}

/** A whole number, or undefined where the field is absent or null. Throws InvalidBodyError. */
export function optionalInteger(body: Json, field: string): number | undefined {
  const value = body[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw new InvalidBodyError('int_type', field, 'Input should be a valid integer');
}

/** An object, or an empty one where the field is absent or null. Throws InvalidBodyError. */
export function optionalObject(body: Json, field: string): Json {
  const value = body[field];
  if (value === undefined || value === null) return {};
  if (isObject(value)) return value;
  throw new InvalidBodyError('dict_type', field, 'Input should be a valid dictionary');
}

/** One string or several, as a list. Throws InvalidBodyError. */
export function optionalStrings(body: Json, field: string): readonly string[] {
  const value = body[field];
  if (value === undefined || value === null) return [];
  if (typeof value === 'string') return [value];
  if (isStrings(value)) return value;
  throw new InvalidBodyError('string_type', field, 'Input should be a valid string');
}
