import type { Endpoint } from '../../http/endpoint.ts';
import { Blocks } from '../../scheduler/index/blocks.ts';
import type { PromptNeeds } from '../../scheduler/policies/policy.ts';
import { hashHead } from '../../scheduler/policies/prompt-head.ts';
import { REFERENCE_FIELDS } from '../reference-fields.ts';
import type { RoutingHints } from '../scheduling.ts';

/** A prompt, or what policies need of it: its length, a hash of its beginning, the hashes of its blocks in base64. */
type PortablePrompt =
  | { readonly text: Uint8Array }
  | { readonly length: number; readonly head: number | undefined; readonly hashes: string | undefined };

/** What routing has read of a request. */
export interface PortableHints extends Omit<RoutingHints, 'prompt' | 'idIn'> {
  readonly prompt: PortablePrompt | undefined;
  /** Body field → id, for fields that may name a stored object. */
  readonly ids: Readonly<Record<string, string>> | undefined;
}

/** Most characters of all names in a request together. */
const MOST_CHARS = 16 * 1024;

const blocks = new Blocks();

/** Makes hints portable between threads; of the prompt only what policies need is sent. */
export function portableHints(hints: RoutingHints, { refersTo }: Endpoint, needs: PromptNeeds): PortableHints {
  const { key, streams = false, recomputes = false, model } = hints;
  return {
    prompt: portablePrompt(hints, needs),
    key,
    streams,
    recomputes,
    model,
    ids: refersTo && idsOf(hints, refersTo),
  };
}

/** Restores hints in the receiving thread. */
export function hintsOf({ prompt, ids, ...rest }: PortableHints): RoutingHints {
  return { ...rest, prompt: prompt && promptOf(prompt), idIn: (field) => ids?.[field] };
}

/** Whether hints are too long to share a batch with other messages: clients may send names of any length. */
export function isLong({ prompt, key = '', model = '', ids }: PortableHints): boolean {
  if (prompt && 'text' in prompt) return true;
  const idChars = ids ? Object.values(ids).reduce((sum, { length }) => sum + length, 0) : 0;
  return key.length + model.length + idChars > MOST_CHARS;
}

function idsOf(hints: RoutingHints, refersTo: NonNullable<Endpoint['refersTo']>): Record<string, string> {
  const ids: Record<string, string> = {};
  for (const field of refersTo.flatMap((kind) => REFERENCE_FIELDS[kind])) {
    const id = hints.idIn(field);
    if (id !== undefined) ids[field] = id;
  }
  return ids;
}

function portablePrompt(hints: RoutingHints, needs: PromptNeeds): PortablePrompt | undefined {
  if (needs === 'nothing') return undefined;
  const { prompt } = hints;
  if (!(prompt instanceof Uint8Array)) return undefined;
  if (needs === 'text') return { text: new Uint8Array(prompt) };
  const head = hashHead(prompt);
  if (needs === 'head') return { length: prompt.length, head, hashes: undefined };
  blocks.hash(prompt);
  return { length: blocks.bytes, head, hashes: textOf(blocks.hashes()) };
}

function promptOf(sent: PortablePrompt): RoutingHints['prompt'] {
  if ('text' in sent) return sent.text;
  const { length, head, hashes } = sent;
  return { length, head, hashes: hashes === undefined ? undefined : intsOf(hashes) };
}

function textOf({ buffer, byteOffset, byteLength }: Int32Array): string {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString('base64');
}

function intsOf(text: string): Int32Array {
  const bytes = Buffer.from(text, 'base64');
  const ints = new Int32Array(bytes.length / Int32Array.BYTES_PER_ELEMENT);
  // The bytes are copied because an Int32Array must begin at a multiple of four.
  bytes.copy(new Uint8Array(ints.buffer));
  return ints;
}
