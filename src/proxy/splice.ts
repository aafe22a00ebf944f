import { type Field, findFields, skipSpace } from './json-scan.ts';

const OPEN_BRACE = 0x7b;
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
  let rest = body;
  let text = rest.toString('latin1');
  for (let own = findFields(text, names); ; own = findFields(text, names)) {
    if (!own) return undefined;
    const [field] = own.values();
    if (!field) break;
    rest = cut(rest, text, field);
    text = rest.toString('latin1');
  }
  const inside = skipSpace(text, 0) + 1;
  const empty = text.charCodeAt(skipSpace(text, inside)) === CLOSE_BRACE;
  const added = Array.from(fields, ([name, value]) => `"${name}":${value}`).join(',');
  return Buffer.concat([rest.subarray(0, inside), Buffer.from(empty ? added : `${added},`), rest.subarray(inside)]);
}

/** The body without this field and the comma that parts it from a neighbour. */
function cut(body: Buffer, text: string, { key, end }: Field): Buffer {
  const next = skipSpace(text, end);
  if (text.charCodeAt(next) === COMMA) return Buffer.concat([body.subarray(0, key), body.subarray(next + 1)]);
  let before = key - 1;
  while (text.charCodeAt(before) !== COMMA && text.charCodeAt(before) !== OPEN_BRACE) before--;
  const kept = text.charCodeAt(before) === COMMA ? before : before + 1;
  return Buffer.concat([body.subarray(0, kept), body.subarray(end)]);
}
