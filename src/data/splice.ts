import { findAllFields, skipSpace } from './prompt/json-scan.ts';

const CLOSE_BRACE = 0x7d;
const COMMA = 0x2c;

/**
 * The JSON object in `body` with `fields` (name → JSON text) as its first ones, everything else byte for byte. What the
 * client sent under these `names` is cut out, however often it came: some parsers take the first of two, some refuse them.
 * Undefined when the body is no JSON object.
 */
export function spliceFields(
  body: Buffer,
  fields: ReadonlyMap<string, string>,
  names: ReadonlySet<string> = new Set(fields.keys()),
): Buffer | undefined {
  const own = findAllFields(body, names);
  if (!own) return undefined;
  const inside = skipSpace(body, 0) + 1;
  const kept: Buffer[] = [];
  let others = false;
  let from = inside;
  for (const { key, end } of own) {
    if (from < key) kept.push(body.subarray(from, key));
    others ||= skipSpace(body, from) < key;
    const next = skipSpace(body, end);
    from = body[next] === COMMA ? next + 1 : end;
  }
  if (body[from - 1] !== COMMA) dropLastComma(kept);
  others ||= body[skipSpace(body, from)] !== CLOSE_BRACE;
  const added = Array.from(fields, ([name, value]) => `"${name}":${value}`).join(',');
  const head = Buffer.from(others ? `${added},` : added);
  return Buffer.concat([body.subarray(0, inside), head, ...kept, body.subarray(from)]);
}

/** Of the parts before a field that was the last of its object: the comma in front of that has nothing to part any more. */
function dropLastComma(parts: Buffer[]): void {
  for (let i = parts.length - 1; i >= 0; i--) {
    const part = parts[i] as Buffer;
    const comma = part.lastIndexOf(COMMA);
    parts[i] = part.subarray(0, Math.max(0, comma));
    if (comma >= 0) return;
  }
}
