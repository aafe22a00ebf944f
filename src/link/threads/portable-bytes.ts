/** What bytes are on their way to another thread: JSON has none. */
export function portableBytes({ buffer, byteOffset, byteLength }: Uint8Array | Int32Array): string {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString('base64');
}

/** The bytes again, in the thread that they came to. */
export function bytesOf(sent: string): Buffer {
  return Buffer.from(sent, 'base64');
}
