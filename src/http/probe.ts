import type { WorkerClient } from './client.ts';
import { get } from './get.ts';

/** GETs `path` once; undefined when the answer is 2xx within `timeoutMs`, else what was wrong in a few words. */
export async function probe(
  client: WorkerClient,
  path: string,
  headers: Readonly<Record<string, string>>,
  timeoutMs: number,
): Promise<string | undefined> {
  try {
    const { status } = await get(client, path, { headers, timeoutMs, maxBytes: 0 });
    return status >= 200 && status < 300 ? undefined : `${path} answered ${status}`;
  } catch (error) {
    return (error as Error).message;
  }
}
