import { hashBytes } from '../index/hash.ts';

/** Bytes of a prompt that stand for the whole where only its beginning counts: about 256 tokens of text. */
const HEAD_BYTES = 1024;

/** A hash of how the prompt begins; undefined where there is none. */
export function hashHead(prompt: Uint8Array | undefined): number | undefined {
  return prompt?.length ? hashBytes(prompt, Math.min(prompt.length, HEAD_BYTES)) : undefined;
}
