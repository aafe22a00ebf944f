import { hashBytes } from '../index/hash.ts';
import type { Hints } from './policy.ts';

/** Bytes of a prompt's beginning that are hashed: about 256 tokens of text. */
const HEAD_BYTES = 1024;

/** A hash of how the prompt begins; undefined where there is none. */
export function hashHead(prompt: Hints['prompt']): number | undefined {
  if (prompt !== undefined && 'head' in prompt) return prompt.head;
  return prompt?.length ? hashBytes(prompt, Math.min(prompt.length, HEAD_BYTES)) : undefined;
}
