import { createCipheriv, randomBytes } from 'node:crypto';
import { Blocks } from '../../scheduler/index/blocks.ts';
import type { PromptMarks } from '../request-record.ts';
import { Beginnings } from './beginnings.ts';
import { PromptEnds } from './prompt-ends.ts';
import { BLOCK_TOKENS } from './trace-row.ts';

/** What a token is taken for until answers tell. */
export const TYPICAL_TOKEN_BYTES = 4;
/** How finely it is known what prompts share: 16 tokens, as pages of an engine's cache. */
const PIECE_BYTES = 64;
const PIECES_PER_BLOCK = (BLOCK_TOKENS * TYPICAL_TOKEN_BYTES) / PIECE_BYTES;
const KEY_BYTES = 32;
const CIPHER_BYTES = 16;

/**
 * Makes of a prompt what a trace tells of it. An id is the hash of all up to the end of its block, enciphered with a key that is made for
 * this recording and kept nowhere: whoever has the trace sees which beginnings are equal, and cannot try texts. Equal hashes shall have equal ids,
 * so each is enciphered for itself.
 */
export class PromptMarker {
  readonly #cipher;
  readonly #beginnings = new Beginnings();
  readonly #pieces = new Blocks(PIECE_BYTES);
  readonly #ends = new PromptEnds(PIECE_BYTES);
  #count = 0;

  constructor(key: Buffer = randomBytes(KEY_BYTES)) {
    this.#cipher = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
  }

  mark(prompt: Uint8Array): PromptMarks {
    const id = ++this.#count;
    const pieces = this.#pieces.hash(prompt);
    const whole = Math.floor(pieces.bytes / PIECE_BYTES);
    const sharer = this.#beginnings.find(pieces, whole);
    const sharedBytes = (sharer?.pieces ?? 0) * PIECE_BYTES;
    const before = this.#ends.find(prompt, pieces);
    // Who says the same again shares more with who said it first than with what went before.
    const goesOn = before !== undefined && before.bytes >= sharedBytes && before.bytes > 0;
    this.#beginnings.add(id, pieces, whole);
    // Of the longest prompts the end is not hashed.
    if (prompt.length === pieces.bytes) this.#ends.add(id, prompt, pieces);
    return {
      ...{ id, bytes: prompt.length, blockIds: this.#idsOf(pieces) },
      parent: goesOn ? before.id : sharer?.id,
      sharedBytes: goesOn ? before.bytes : sharedBytes,
      continues: goesOn,
    };
  }

  #idsOf({ lo, hi, count }: Blocks): readonly number[] {
    const blocks = Math.ceil(count / PIECES_PER_BLOCK);
    const plain = Buffer.alloc(blocks * CIPHER_BYTES);
    for (let block = 0; block < blocks; block++) {
      const last = Math.min((block + 1) * PIECES_PER_BLOCK, count) - 1;
      plain.writeInt32LE(lo[last] as number, block * CIPHER_BYTES);
      plain.writeInt32LE(hi[last] as number, block * CIPHER_BYTES + 4);
    }
    return this.#encipher(plain);
  }

  /** `count` ids that stand for what comes after an id and is not known. */
  idsAfter(id: number, count: number): readonly number[] {
    const plain = Buffer.alloc(count * CIPHER_BYTES);
    for (let i = 0; i < count; i++) {
      plain.writeDoubleLE(id, i * CIPHER_BYTES);
      // Not 0, as behind a hash.
      plain.writeInt32LE(i + 1, i * CIPHER_BYTES + 8);
    }
    return this.#encipher(plain);
  }

  /** 48 bits each: whole numbers in every reader of JSON. */
  #encipher(plain: Buffer): readonly number[] {
    const secret = this.#cipher.update(plain);
    return Array.from({ length: plain.length / CIPHER_BYTES }, (_, i) => secret.readUIntLE(i * CIPHER_BYTES, 6));
  }
}
