import type { Config } from '../config/options.ts';
import { resolveRouter } from '../config/resolve.ts';
import type { Log } from '../observe/log/log.ts';
import { openLog } from '../observe/log/open.ts';
import { surviveErrors } from '../observe/log/survive.ts';
import { type Router, startRouter } from '../router/router.ts';
import { warmUpBeside } from '../router/warm-up.ts';
import { type Paint, paintFor } from '../terminal/kind.ts';
import { runUntilSignal } from './exit.ts';
import { logOptions } from './log-options.ts';
import { nameProcess } from './process-name.ts';
import { routerBanner, workersAsked } from './router-banner.ts';

/** `router`: routes to the servers it is told of, until a signal ends it. Resolves with the exit code. */
export async function runRouter(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const { config, notices } = await resolveRouter(argv, env);
  const { stderr } = process;
  const options = logOptions(config, { env, console: stderr, dirFlag: '--log-dir' });
  nameProcess(['router', ...argv], options.secrets);
  const opened = openLog(options);
  const { log, access } = opened;
  try {
    for (const notice of notices) log.warning(notice);
    surviveErrors(log);
    const router = await startRouter(config, { log, access });
    for (const warning of router.warnings) log.warning(warning);
    const network = router.networkUrls.join(' ');
    log.info(`router listens on ${router.url}`, { ...(network && { network }), ...about(config) });
    void warmUpBeside(router, config, log);
    if (process.stdout.isTTY) void show(router, config, paintFor(true, env));
    return await runUntilSignal({ drain: () => stop(router, config, log), abort: () => router.close() });
  } finally {
    await opened.close();
  }
}

/** For people; scripts read the log. */
async function show(router: Router, config: Config, paint: Paint): Promise<void> {
  await workersAsked(router);
  process.stdout.write(`${routerBanner(router, config, paint, process.stdout.columns)}\n`);
}

function about(config: Config) {
  const { pdDisaggregation, policy, prefillPolicy, decodePolicy, prefill, decode, workerUrls } = config;
  const cap = { maxConcurrentRequests: config.maxConcurrentRequests > 0 ? config.maxConcurrentRequests : 'no limit' };
  if (!pdDisaggregation) return { policy, workers: workerUrls.length, ...cap };
  const policies = { prefillPolicy: prefillPolicy ?? policy, decodePolicy: decodePolicy ?? policy };
  return { ...policies, prefill: prefill.length, decode: decode.length, ...cap };
}

async function stop(router: Router, config: Config, log: Log): Promise<void> {
  log.info('shutting down: requests in flight may finish; a second signal ends at once');
  const left = await router.drain(config.shutdownGracePeriodMs);
  if (left > 0) log.warning('requests cut off by --shutdown-grace-period-secs', { requests: left });
  await router.close();
}
