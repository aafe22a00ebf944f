import { get } from '../http/get.ts';
import type { Worker } from './worker.ts';

/** The newer name first. */
const PATHS = ['/server_info', '/get_server_info'];
const TIMEOUT_MS = 5_000;
/** A server with many data-parallel ranks repeats its arguments for each. */
const MAX_BYTES = 4 * 2 ** 20;

interface ServerInfo {
  readonly max_total_num_tokens?: unknown;
  readonly dp_size?: unknown;
}

/** Tokens that the worker's KV cache holds, all its ranks together. Rejects, with the reason in a few words, when it does not say. */
export async function askCapacity({ client, basePath, controlHeaders }: Worker): Promise<number> {
  const problems: string[] = [];
  for (const path of PATHS) {
    const options = { headers: controlHeaders, timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES };
    const { status, body } = await get(client, basePath + path, options);
    const tokens = status === 200 ? capacityOf(body) : undefined;
    if (tokens !== undefined) return tokens;
    problems.push(status === 200 ? `${path} names no max_total_num_tokens` : `${path} answered ${status}`);
  }
  throw new Error(problems.join(', '));
}

function capacityOf(body: Buffer): number | undefined {
  let info: ServerInfo | null;
  try {
    info = JSON.parse(body.toString()) as ServerInfo | null;
  } catch {
    return undefined;
  }
  const tokens = info?.max_total_num_tokens;
  if (typeof tokens !== 'number' || !(tokens > 0)) return undefined;
  return tokens * (typeof info?.dp_size === 'number' && info.dp_size > 1 ? info.dp_size : 1);
}
