import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import type { Config } from '../config/options.ts';
import { createLog, type Log } from '../observe/log/log.ts';
import { answerMadeUp, type MadeUpKind, portOf, sendMadeUp } from './made-up-traffic.ts';
import { Observing } from './observing.ts';
import { Router } from './router.ts';
import { defaultThreads } from './threads/default-threads.ts';

/** What is sent, one kind after another: 0.5 s of CPU. From a fresh start 8,000 chats then cost a quarter less, and streams a tenth. */
const TRAFFIC: readonly (readonly [MadeUpKind, number])[] = [
  ['chat', 1_500],
  ['stream', 100],
  ['generate', 500],
  ['chat', 1_500],
];
const CLIENTS = 8;

/** Warms up beside a router that has just begun to listen, until its first request comes. What goes wrong costs speed and nothing else. */
export async function warmUpBeside(router: Router, config: Config, log: Log): Promise<void> {
  const { disableWarmUp, dataThreads = defaultThreads() } = config;
  // Several threads would each need a warm-up of their own.
  if (disableWarmUp || dataThreads > 1) return;
  const startedMs = performance.now();
  try {
    const requests = await warmUp(config, () => router.serving === 0 && router.isOpen);
    log.debug('warmed up', { requests, ms: Math.round(performance.now() - startedMs) });
  } catch (error) {
    log.debug('the warm-up has failed', { reason: (error as Error).message });
  }
}

/**
 * Sends made-up requests through a second router of this process to a made-up server, so that the code which serves real ones is compiled
 * before they come. Ends early when `isWanted` says no; nothing is left of it but compiled code. Resolves with how many were sent.
 */
async function warmUp(config: Config, isWanted: () => boolean): Promise<number> {
  const server = createServer(answerMadeUp).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const router = await openRouter(config, server);
    try {
      return await sendAll(router.url, isWanted);
    } finally {
      await router.close();
    }
  } finally {
    server.close();
  }
}

async function sendAll(url: string, isWanted: () => boolean): Promise<number> {
  let sent = 0;
  for (const [kind, count] of TRAFFIC) {
    const last = sent + count;
    const goesOn = () => {
      if (sent === last || !isWanted()) return false;
      sent++;
      return true;
    };
    await Promise.all(Array.from({ length: CLIENTS }, () => sendMadeUp(kind, url, goesOn)));
    if (sent < last) break;
  }
  return sent;
}

async function openRouter(config: Config, server: Server): Promise<Router> {
  const own = privateConfig(config);
  const log = createLog('critical', () => {});
  const router = new Router(own, log, await Observing.open(own, { log }));
  try {
    await router.listen(own);
    router.registry.add({ url: `http://127.0.0.1:${portOf(server)}` });
    while (router.registry.available().length === 0) await once(router.registry, 'change');
    return router;
  } catch (error) {
    await router.close();
    throw error;
  }
}

/** The same policy and limits; no keys, files and ports, which are the real router's, and no bound on what is made up. */
function privateConfig(config: Config): Config {
  return {
    ...config,
    ...{ host: '127.0.0.1', port: 0, prometheusPort: 0, dataThreads: 1, dpAware: false, pdDisaggregation: false },
    ...{ maxConcurrentRequests: -1, rateLimitTokensPerSecond: undefined, healthCheckEndpoint: '/health' },
    ...{ apiKey: undefined, controlPlaneApiKeys: [], tlsCertPath: undefined, tlsKeyPath: undefined },
    ...{ enableTrace: false, recordTrace: undefined },
  };
}
