const LF = 0x0a;

/** Decodes whole chunks (RFC 9112 §7.1) that a parser has accepted. */
export function unchunked(coded: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < coded.length; ) {
    const data = coded.indexOf(LF, at) + 1;
    const size = Number.parseInt(coded.toString('latin1', at, data), 16);
    parts.push(coded.subarray(data, data + size));
    at = data + size + 2;
  }
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
}
