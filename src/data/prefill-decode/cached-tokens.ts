import { type ByteSpan, fieldAt, fieldsIn, numberIn } from '../prompt/json-scan.ts';
import type { Merge } from './merging-answer.ts';

const CACHED = 'cached_tokens';
/** Field of an answer → path in it to the number of cached prompt tokens. */
const PLACES: ReadonlyMap<string, readonly string[]> = new Map([
  ['usage', ['prompt_tokens_details', CACHED]],
  ['meta_info', [CACHED]],
]);

/** Fields that `cachedTokensIn` needs. */
export const CACHED_FIELDS: readonly string[] = [...PLACES.keys()];

/** Replaces the cached tokens in decode's answer by the prefill server's: a decode server counts the whole prompt as cached. Every other byte stays. */
export class CachedTokens implements Merge {
  readonly #tokens: Buffer;

  constructor(tokens: number) {
    this.#tokens = Buffer.from(String(tokens));
  }

  merge(json: Buffer): Buffer {
    if (!json.includes(CACHED)) return json;
    const parts: Buffer[] = [];
    let from = 0;
    const spans = placesIn(json, fieldsIn(json, { start: 0, end: json.length }, CACHED_FIELDS));
    for (const { start, end } of spans.sort((a, b) => a.start - b.start)) {
      parts.push(json.subarray(from, start), this.#tokens);
      from = end;
    }
    return from === 0 ? json : Buffer.concat([...parts, json.subarray(from)]);
  }
}

/** The number of cached prompt tokens that an answer with these fields reports; undefined if none. */
export function cachedTokensIn(json: Buffer, fields: ReadonlyMap<string, ByteSpan>): number | undefined {
  return placesIn(json, fields)
    .map((span) => numberIn(json, span))
    .find((tokens) => tokens !== undefined);
}

function placesIn(json: Buffer, fields: ReadonlyMap<string, ByteSpan>): ByteSpan[] {
  const spans = Array.from(PLACES, ([name, path]) => {
    const field = fields.get(name);
    return field && fieldAt(json, path, field);
  });
  return spans.filter((span) => span !== undefined);
}
