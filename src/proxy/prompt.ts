import type { Family } from '../http/endpoint.ts';
import type { Span } from './json-scan.ts';
import { shortenMedia } from './media.ts';

/**
 * Family of paths → the body fields that make the prompt, in the order in which a chat template puts them: what many requests share
 * comes first, wherever the client wrote it. Of alternatives the first present counts.
 */
const PROMPT_FIELDS: ReadonlyMap<Family, readonly (readonly string[])[]> = new Map<
  Family,
  readonly (readonly string[])[]
>([
  ['generate', [['text', 'input_ids']]],
  ['chat', [['tools'], ['messages']]],
  ['completions', [['prompt']]],
  ['embeddings', [['input']]],
  ['classify', [['input', 'text']]],
  ['rerank', [['query']]],
  ['score', [['query', 'text_1']]],
  ['responses', [['tools'], ['instructions'], ['input']]],
  ['messages', [['tools'], ['system'], ['messages']]],
  ['ollama_chat', [['tools'], ['messages']]],
  ['ollama_generate', [['system'], ['prompt']]],
  ['encode', [['text', 'input_ids']]],
]);

/** What an engine's cache tells apart beside the prompt: the same words with another of these share nothing. */
const NAMESPACES: readonly (readonly string[])[] = [['lora_path'], ['cache_salt'], ['extra_key']];

const MODEL = 'model';
const COLON = 0x3a;

/** Every field that any prompt is made of. */
export const ALL_PROMPT_FIELDS: readonly string[] = [
  MODEL,
  ...NAMESPACES,
  ...[...PROMPT_FIELDS.values()].flat(),
].flat();

/**
 * The bytes of the prompt as they stand in the body: a conversation that goes on, or a prompt with the same beginning, has
 * the same first bytes. The brackets around are left out, so that one text and a list of it are the same. Undefined where
 * paths of that family have no prompt or the body none.
 */
export function promptOf(family: Family, body: Buffer, fields: ReadonlyMap<string, Span>): Uint8Array | undefined {
  const own = PROMPT_FIELDS.get(family);
  if (!own) return undefined;
  const parts: Buffer[] = [];
  const adapter = adapterIn(body, fields.get(MODEL));
  if (adapter) parts.push(adapter);
  for (const names of [...NAMESPACES, ...own]) {
    const span = firstOf(names, body, fields);
    const part = span && inner(body, span);
    if (part && part.length > 0) parts.push(part);
  }
  if (parts.length === (adapter ? 1 : 0)) return undefined;
  return shortenMedia(parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts));
}

/** `base:adapter` as a model names an adapter too, whose cache is its own. */
function adapterIn(body: Buffer, span: Span | undefined): Buffer | undefined {
  const colon = span ? body.lastIndexOf(COLON, span.end - 1) : -1;
  return span && colon > span.start ? body.subarray(colon, span.end) : undefined;
}

function firstOf(names: readonly string[], body: Buffer, fields: ReadonlyMap<string, Span>): Span | undefined {
  for (const name of names) {
    const span = fields.get(name);
    if (span && !isNull(body, span)) return span;
  }
  return undefined;
}

function isNull(body: Buffer, { start, end }: Span): boolean {
  return end - start === 4 && body[start] === 0x6e;
}

/** The value without white space and brackets of lists around it. */
function inner(body: Buffer, span: Span): Buffer {
  let { start, end } = span;
  while (start < end && isFrame(body[start] as number, 0x5b)) start++;
  while (end > start && isFrame(body[end - 1] as number, 0x5d)) end--;
  return body.subarray(start, end);
}

function isFrame(byte: number, bracket: number): boolean {
  return byte === bracket || byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
