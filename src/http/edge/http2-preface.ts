/** A client that speaks HTTP/2 begins with this, which no HTTP/1 request does (RFC 9113 §3.4). */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** Whether the first bytes of a connection are the preface as far as they go. */
export function mayBePreface(bytes: Buffer): boolean {
  const known = Math.min(bytes.length, PREFACE.length);
  return bytes[0] === PREFACE[0] && bytes.compare(PREFACE, 0, known, 0, known) === 0;
}

/** Whether all of the preface has come, where `mayBePreface`. */
export function hasPreface(bytes: Buffer): boolean {
  return bytes.length >= PREFACE.length;
}
