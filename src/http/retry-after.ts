/** The wait that a Retry-After header asks for, as seconds or a date (RFC 9110 §10.2.3); undefined if invalid. */
export function retryAfterMs(header: string | undefined, nowMs = Date.now()): number | undefined {
  if (header === undefined) return undefined;
  const secs = Number(header);
  if (Number.isFinite(secs) && header.trim() !== '') return Math.max(0, secs * 1000);
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}
