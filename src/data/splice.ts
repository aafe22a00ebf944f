import { type ByteSpan, findAllFields, skipSpace } from './prompt/json-scan.ts';

const CLOSE_BRACE = 0x7d;
const COMMA = 0x2c;

/** A JSON object with some fields cut out, as positions in its bytes. */
export interface Cut {
  /** The position after the opening brace. */
  readonly inside: number;
  /** Spans that stay before the last field that is cut. */
  readonly kept: readonly ByteSpan[];
  /** The position from which everything stays. */
  readonly rest: number;
  /** Whether a field stays. */
  readonly others: boolean;
}

/**
 * Puts `fields` (name → JSON text) first into the JSON object in `body`, and cuts out all that the client sent under `names`, as parsers
 * treat repeated fields differently. Every other byte stays. Undefined if the body is no JSON object.
 */
export function spliceFields(
  body: Buffer,
  fields: ReadonlyMap<string, string>,
  names: ReadonlySet<string> = new Set(fields.keys()),
): Buffer | undefined {
  const cut = cutFields(body, names);
  return cut && insertFields(body, cut, fields);
}

/** Finds the fields of these `names`, to insert others repeatedly; undefined if `body` is no JSON object. */
export function cutFields(body: Buffer, names: ReadonlySet<string>): Cut | undefined {
  const own = findAllFields(body, names);
  if (!own) return undefined;
  const inside = skipSpace(body, 0) + 1;
  const kept: ByteSpan[] = [];
  let others = false;
  let from = inside;
  for (const { key, end } of own) {
    if (from < key) kept.push({ start: from, end: key });
    others ||= skipSpace(body, from) < key;
    const next = skipSpace(body, end);
    from = body[next] === COMMA ? next + 1 : end;
  }
  if (body[from - 1] !== COMMA) dropLastComma(body, kept);
  others ||= body[skipSpace(body, from)] !== CLOSE_BRACE;
  return { inside, kept, rest: from, others };
}

/** Like `spliceFields`, for a `body` that was cut before. */
export function insertFields(
  body: Buffer,
  { inside, kept, rest, others }: Cut,
  fields: ReadonlyMap<string, string>,
): Buffer {
  const added = Array.from(fields, ([name, value]) => `"${name}":${value}`).join(',');
  const head = Buffer.from(others ? `${added},` : added);
  const parts = kept.map(({ start, end }) => body.subarray(start, end));
  return Buffer.concat([body.subarray(0, inside), head, ...parts, body.subarray(rest)]);
}

/** Drops the comma before a cut field that was the last of its object. */
function dropLastComma(body: Buffer, parts: ByteSpan[]): void {
  for (let i = parts.length - 1; i >= 0; i--) {
    const { start, end } = parts[i] as ByteSpan;
    const comma = body.subarray(start, end).lastIndexOf(COMMA);
    parts[i] = { start, end: start + Math.max(0, comma) };
    if (comma >= 0) return;
  }
}
