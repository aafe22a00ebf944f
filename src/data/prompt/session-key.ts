import type { IncomingHttpHeaders } from 'node:http';
import { type ByteSpan, findFields, stringAt } from './json-scan.ts';

/** The header that names a routing key. */
const ROUTING_KEY = 'x-smg-routing-key';

/** Fields of a body that name a session or its user: SGLang's, OpenAI's. */
const KEY_FIELDS = ['routing_key', 'prompt_cache_key', 'session_id', 'conversation_id', 'user'] as const;

/** Headers in which agents send their session unasked: Claude Code, Codex, OpenCode, and what others commonly use; with `_` for `-` as well. */
const SESSION_HEADERS = [
  'x-claude-code-session-id',
  'session-id',
  'x-session-id',
  'x-session-affinity',
  'x-opencode-session',
  'conversation-id',
  'x-conversation-id',
  'x-thread-id',
] as const;

/** Anthropic's place for the user: `metadata.user_id`. */
const METADATA = 'metadata';
const USER_ID: ReadonlySet<string> = new Set(['user_id']);

/** Every field that a key may come from. */
export const ALL_KEY_FIELDS: readonly string[] = [...KEY_FIELDS, METADATA];

/** The routing key from the headers; needs no look into the body. */
export function explicitKey(headers: IncomingHttpHeaders): string | undefined {
  return headerOf(headers, ROUTING_KEY);
}

/** Any other key of a session; undefined if there is none. */
export function sessionKey(
  headers: IncomingHttpHeaders,
  body: Buffer,
  fields: ReadonlyMap<string, ByteSpan> | undefined,
): string | undefined {
  for (const name of KEY_FIELDS) {
    const span = fields?.get(name);
    const key = span && stringAt(body, span);
    if (key) return key;
  }
  const user = userOf(body, fields?.get(METADATA));
  if (user) return user;
  return sessionHeader(headers);
}

function sessionHeader(headers: IncomingHttpHeaders): string | undefined {
  const dashed = withDashes(headers);
  for (const name of SESSION_HEADERS) {
    const key = headerOf(headers, name) ?? (dashed && headerOf(dashed, name));
    if (key !== undefined) return key;
  }
  return undefined;
}

/** The headers whose names have `_`, under the names with `-`; undefined in the usual case of none. */
function withDashes(headers: IncomingHttpHeaders): IncomingHttpHeaders | undefined {
  let dashed: IncomingHttpHeaders | undefined;
  for (const name in headers) {
    if (!name.includes('_')) continue;
    dashed ??= Object.create(null) as IncomingHttpHeaders;
    dashed[name.replaceAll('_', '-')] ??= headers[name];
  }
  return dashed;
}

function userOf(body: Buffer, metadata: ByteSpan | undefined): string | undefined {
  if (!metadata) return undefined;
  const inner = body.subarray(metadata.start, metadata.end);
  const span = findFields(inner, USER_ID)?.get('user_id');
  return span && stringAt(inner, span);
}

function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return (Array.isArray(value) ? value[0] : value) || undefined;
}
