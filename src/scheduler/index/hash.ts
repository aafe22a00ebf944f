/**
 * 32 bits that spread well over all values (MurmurHash3, x86, 32 bit), of the bytes from 0 to `end`. Nothing here resists
 * somebody who looks for collisions: these hashes only spread work.
 */
export function hashBytes(bytes: Uint8Array, end = bytes.length, seed = 0): number {
  const whole = end & ~3;
  let hash = seed;
  for (let i = 0; i < whole; i += 4) {
    const block =
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24);
    hash = stir(hash, block);
  }
  let tail = 0;
  for (let i = end - 1; i >= whole; i--) tail = (tail << 8) | (bytes[i] as number);
  return mix32(hash ^ scramble(tail) ^ end);
}

/** Hashes a string's UTF-16 code units, two at a time. */
export function hashText(text: string, seed = 0): number {
  const end = text.length;
  let hash = seed;
  for (let i = 0; i + 1 < end; i += 2) hash = stir(hash, text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16));
  const tail = end & 1 ? text.charCodeAt(end - 1) : 0;
  return mix32(hash ^ scramble(tail) ^ end);
}

/** A 53-bit hash; with 131,072 keys two collide once in a million times. */
export function hashKey(key: string): number {
  return hashText(key) * 2 ** 21 + (hashText(key, 1) >>> 11);
}

/** One to one on 32 bits, such that every bit of `value` decides about every bit of the result; not negative. */
export function mix32(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function scramble(block: number): number {
  const product = Math.imul(block, 0xcc9e2d51);
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593);
}

function stir(hash: number, block: number): number {
  const mixed = hash ^ scramble(block);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}
