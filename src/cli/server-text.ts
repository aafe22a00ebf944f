import type { LaunchConfig } from '../config/launch.ts';
import type { Engine } from '../launch/engine.ts';
import { describeGpus, SERVER_HOST } from '../launch/plan.ts';
import type { Server } from '../launch/server.ts';

/** What is about to be started. */
interface Plan {
  readonly url: string;
  /** The same as other machines write it, where they can reach it. */
  readonly networkUrls: readonly string[];
  readonly engine: Engine;
  readonly servers: readonly Server[];
  readonly logFolder: string;
  readonly launch: LaunchConfig;
  /** Requests in flight at most; 0 or less is no cap. */
  readonly maxConcurrentRequests: number;
}

/** What runs where, in words. */
export function planText(plan: Plan): string {
  const { url, networkUrls, engine, servers, logFolder, launch, maxConcurrentRequests: most } = plan;
  const count = `${servers.length} ${servers.length === 1 ? 'server' : 'servers'}`;
  const what = engine.kind === 'sim' ? count : `${count} of ${launch.modelPath ?? 'the model in the server config'}`;
  const gpus = engine.kind === 'sglang' && launch.device !== 'cpu';
  const rows = servers.map(({ plan, port, bootstrapPort }) => {
    const bootstrap = bootstrapPort === undefined ? '' : `  bootstrap port ${bootstrapPort}`;
    const where = gpus ? `  ${describeGpus(plan.gpus)}` : '';
    return `  ${plan.name}  ${SERVER_HOST}:${port}${bootstrap}${where}`;
  });
  const network = networkUrls.length === 0 ? [] : [`  for other machines  ${networkUrls.join('  ')}`];
  const cap = most > 0 ? [`  ${most} requests at once, the others wait  (--router-max-concurrent-requests)`] : [];
  return [`${what} behind ${url} (${engine.label})`, ...network, ...rows, ...cap, `  logs  ${logFolder}`, ''].join(
    '\n',
  );
}

/** What serves now. */
interface Ready {
  readonly url: string;
  /** Servers that are ready, of so many. */
  readonly workers: readonly string[];
  readonly of: number;
  /** Since the program's start. */
  readonly elapsedMs: number;
  readonly keyNeeded: boolean;
}

/** The line for people, the `READY` line for scripts, and a request to copy. */
export function readyText({ url, workers, of, elapsedMs, keyNeeded }: Ready): string {
  const seconds = Number((elapsedMs / 1000).toFixed(1));
  const key = keyNeeded ? ` -H "authorization: Bearer $API_KEY"` : '';
  const body = '{"text": "The capital of France is", "sampling_params": {"max_new_tokens": 16}}';
  return [
    `ready in ${seconds.toFixed(1)} s: ${workers.length} of ${of} servers behind ${url}`,
    `READY ${JSON.stringify({ url, workers, seconds })}`,
    `try it: curl ${url}/generate -H 'content-type: application/json'${key} -d '${body}'`,
    '',
  ].join('\n');
}
