import type { Family } from '../../http/endpoint.ts';
import { beginningOf } from './json-ends.ts';
import type { ByteSpan } from './json-scan.ts';
import { PromptText } from './prompt-text.ts';

/** A body field that is part of the prompt, and how it is read; the first present name counts. */
interface Part {
  readonly names: readonly string[];
  readonly as: 'tools' | 'system' | 'messages' | 'plain';
}

const TOOLS: Part = { names: ['tools'], as: 'tools' };
const system = (name: string): Part => ({ names: [name], as: 'system' });
const messages = (name: string): Part => ({ names: [name], as: 'messages' });
const plain = (...names: readonly string[]): Part => ({ names, as: 'plain' });

/** Family of paths → parts of the prompt in the order of chat templates, so that what many requests share comes first. */
const PROMPTS: ReadonlyMap<Family, readonly Part[]> = new Map<Family, readonly Part[]>([
  ['generate', [plain('text', 'input_ids')]],
  ['chat', [TOOLS, messages('messages')]],
  ['completions', [plain('prompt')]],
  ['embeddings', [plain('input')]],
  ['classify', [plain('input', 'text')]],
  ['rerank', [plain('query')]],
  ['score', [plain('query', 'text_1')]],
  ['responses', [TOOLS, system('instructions'), messages('input')]],
  ['messages', [TOOLS, system('system'), messages('messages')]],
  ['ollama_chat', [TOOLS, messages('messages')]],
  ['ollama_generate', [system('system'), messages('prompt')]],
  ['encode', [plain('text', 'input_ids')]],
]);

/** Fields that separate prompts in an engine's cache: equal words with different values share nothing. */
const NAMESPACES = ['lora_path', 'cache_salt', 'extra_key'];

const MODEL = 'model';
const COLON = 0x3a;

/** Every field that any prompt is made of. */
export const ALL_PROMPT_FIELDS: readonly string[] = [
  MODEL,
  ...NAMESPACES,
  ...[...PROMPTS.values()].flat().flatMap(({ names }) => names),
];

/** The fields that were read from a request's body. */
interface Scanned {
  readonly body: Buffer;
  readonly fields: ReadonlyMap<string, ByteSpan>;
  /** Whether models separate prompts; otherwise only adapters in their names do. */
  readonly severalModels: boolean;
}

/** One for all requests, so that no request holds a copy of its prompt: a policy is done with one before the next is read. */
const prompts = new PromptText();
let readings = 0;

/** How many prompts were read; what `promptOf` returned is valid until that changes. */
export function promptsRead(): number {
  return readings;
}

/** The prompt as the engine sees it, in the same bytes for every spelling, so that equal beginnings stay equal. Undefined if there is no prompt. */
export function promptOf(family: Family, { body, fields, severalModels }: Scanned): Uint8Array | undefined {
  const own = PROMPTS.get(family);
  if (!own) return undefined;
  const beginning = beginningOf(body);
  /** Where the part is in the bytes that are read; in a large body's end it is read separately. */
  const place = ({ start, end }: ByteSpan): number => {
    const isNear = start < beginning.length;
    prompts.read(isNear ? beginning : body.subarray(start, end));
    return isNear ? start : 0;
  };
  readings++;
  prompts.begin();
  const model = fields.get(MODEL);
  const adapter = model && (severalModels ? model : adapterIn(body, model));
  if (adapter) prompts.named(MODEL, place(adapter));
  for (const name of NAMESPACES) {
    const span = firstOf([name], body, fields);
    if (span) prompts.named(name, place(span));
  }
  const named = prompts.length;
  for (const { names, as } of own) {
    const span = firstOf(names, body, fields);
    if (span) prompts[as](place(span));
  }
  prompts.end();
  return prompts.length > named ? prompts.bytes : undefined;
}

/** Where `:adapter` is in a model name; each adapter has a cache of its own. */
function adapterIn(body: Buffer, { start, end }: ByteSpan): ByteSpan | undefined {
  const colon = body.lastIndexOf(COLON, end - 1);
  return colon > start ? { start: colon, end } : undefined;
}

function firstOf(names: readonly string[], body: Buffer, fields: ReadonlyMap<string, ByteSpan>): ByteSpan | undefined {
  for (const name of names) {
    const span = fields.get(name);
    if (span && !isNull(body, span)) return span;
  }
  return undefined;
}

function isNull(body: Buffer, { start, end }: ByteSpan): boolean {
  return end - start === 4 && body[start] === 0x6e;
}
