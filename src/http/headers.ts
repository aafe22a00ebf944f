import type { IncomingHttpHeaders } from 'node:http';
import { isCorsHeader } from './cors.ts';
import { REQUEST_ID } from './request-id.ts';

/** Headers that end at this hop, either way (RFC 9110 §7.6.1), and the framing that each side's HTTP stack writes itself. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Headers that are set anew for the worker, or dropped. */
const REQUEST_ONLY: ReadonlySet<string> = new Set(['host', 'content-length', 'expect']);

/** Names listed in a Connection header are hop-by-hop too; undefined in the usual case of none. */
function namedByConnection(connection: string | string[] | undefined): Set<string> | undefined {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return undefined;
  return new Set(
    String(connection)
      .split(',')
      .map((name) => name.trim().toLowerCase()),
  );
}

/**
 * The client's headers for the worker, as name, value, name, value …; `own` ones replace the client's. Node's lower-cased map makes sure
 * that no name goes out in two spellings.
 */
export function requestHeaders(headers: IncomingHttpHeaders, own: readonly string[] = []): string[] {
  const dropped = namedByConnection(headers.connection);
  const out = [...own];
  for (const name in headers) {
    if (HOP_BY_HOP.has(name) || REQUEST_ONLY.has(name) || dropped?.has(name) || has(own, replacedBy(name))) continue;
    const value = headers[name];
    if (typeof value === 'string') out.push(name, value);
    else if (value) for (const one of value) out.push(name, one);
  }
  return out;
}

/** The header that replaces `name`: a worker's key replaces both forms of a client's. */
function replacedBy(name: string): string {
  return name === 'x-api-key' ? 'authorization' : name;
}

function has(headers: readonly string[], name: string): boolean {
  for (let at = 0; at < headers.length; at += 2) if (headers[at] === name) return true;
  return false;
}

/** The worker's headers as name, value, name, value … for the client, but for those that are the router's to say: the request's id, and whose pages may call. */
export function responseHeaders(headers: IncomingHttpHeaders): string[] {
  const dropped = namedByConnection(headers.connection);
  const out: string[] = [];
  for (const name in headers) {
    if (HOP_BY_HOP.has(name) || dropped?.has(name) || name === REQUEST_ID || isCorsHeader(name)) continue;
    const value = headers[name];
    if (typeof value === 'string') out.push(name, value);
    else if (value) for (const one of value) out.push(name, one);
  }
  return out;
}
