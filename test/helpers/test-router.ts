import { once } from 'node:events';
import type { Config } from '../../src/config/options.ts';
import { resolveRouter } from '../../src/config/resolve.ts';
import { createLog } from '../../src/observe/log/log.ts';
import type { RequestRecord } from '../../src/observe/request-record.ts';
import { type Router, startRouter } from '../../src/router/router.ts';

/** A router in this process on a free port, with its log. */
export interface TestRouter extends AsyncDisposable {
  readonly router: Router;
  readonly url: string;
  readonly lines: string[];
  /** The requests that have ended. */
  readonly records: readonly RequestRecord[];
}

/** The tests pass with any number of data threads: with `SGLANG_ROUTER_DATA_THREADS=3` too. */
export const DATA_THREADS = Number(process.env.SGLANG_ROUTER_DATA_THREADS ?? 1);

/** Starts a router with these flags and fields, and waits until all its workers are ready. */
export async function testRouter(
  workerUrls: readonly string[],
  flags: readonly string[] = [],
  fields: Partial<Config> = {},
): Promise<TestRouter> {
  const lines: string[] = [];
  const records: RequestRecord[] = [];
  const access = (record: RequestRecord) => void records.push(record);
  const { config } = await resolveRouter([...flags, '--worker-urls', ...workerUrls], {});
  const log = createLog('debug', (line) => lines.push(line));
  const router = await startRouter(
    { ...config, port: 0, prometheusPort: 0, policy: 'round_robin', dataThreads: DATA_THREADS, ...fields },
    { log, access },
  );
  while (router.registry.available().length < workerUrls.length) await once(router.registry, 'change');
  return { router, url: router.url, lines, records, [Symbol.asyncDispose]: () => router.close() };
}

/** So long that only a condition that never holds takes it. */
const GIVE_UP_MS = 30_000;

/** Resolves when the condition holds; looks again with every turn of the event loop, so a test never sleeps for a guess. */
export async function until(condition: () => boolean): Promise<void> {
  const endMs = performance.now() + GIVE_UP_MS;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`never came true: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
