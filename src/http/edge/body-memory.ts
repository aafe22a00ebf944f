/** Smaller buffers are left to the garbage collector. */
const FREED_BYTES = 32 * 1024;

/** Frees the memory of large bytes at once, if it is all theirs: nobody may use them any more. An idle router collects no garbage. */
export function freeBytes(bytes: Buffer): void {
  const memory = bytes.buffer;
  if (bytes.length < FREED_BYTES || bytes.length !== memory.byteLength || !(memory instanceof ArrayBuffer)) return;
  memory.transfer(0);
}
