import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../config/options.ts';
import { hasFilesToSpare } from '../http/edge/connection-limit.ts';
import { createLog, type Log } from '../observe/log/log.ts';
import type { MadeUpKind } from './made-up-messages.ts';
import { answerMadeUp, portOf, sendMadeUp } from './made-up-traffic.ts';
import { Observing } from './observing.ts';
import { Router } from './router.ts';
import { defaultThreads } from './threads/default-threads.ts';

/** For each data thread: under three seconds of its CPU on two slow cores. From a fresh start 8,000 chats then cost two fifths less, and a burst of 500 streams a third. */
const REQUESTS = 4_000;
const STREAM_EVERY = 20;
const GENERATE_EVERY = 7;
/** Made-up clients of each router. */
const CLIENTS = 8;
/** Made-up servers: code that has seen only one worker is compiled again for several. */
const SERVERS = 4;
/** Code that has seen only one router's objects is compiled again for another's. */
const ROUTERS = 2;
/** How often it looks whether the router is idle again. */
const LOOK_MS = 20;
/** When the warm-up gives up: a router that is never idle has compiled its code by then. */
const GIVE_UP_MS = 60_000;

/** Whether the warm-up may go on now. */
type Turn = 'go' | 'wait' | 'end';

/** Warms up beside a router that has just begun to listen, while it serves no request. What goes wrong costs speed and nothing else. */
export async function warmUpBeside(router: Router, config: Config, log: Log): Promise<void> {
  if (config.disableWarmUp || !hasFilesToSpare()) return;
  const startedMs = performance.now();
  try {
    const requests = await warmUp(router, config, () => {
      if (!router.isOpen || performance.now() - startedMs > GIVE_UP_MS) return 'end';
      return router.serving > 0 ? 'wait' : 'go';
    });
    log.debug('warmed up', { requests, ms: Math.round(performance.now() - startedMs) });
  } catch (error) {
    log.debug('the warm-up has failed', { reason: (error as Error).message });
  }
}

/** Sends made-up requests through two extra routers to made-up servers, so that the code is compiled before real requests come. Resolves with their number. */
async function warmUp(real: Router, config: Config, turn: () => Turn): Promise<number> {
  const servers = await Promise.all(Array.from({ length: SERVERS }, openServer));
  const routers: Router[] = [];
  try {
    for (let count = 0; count < ROUTERS; count++) routers.push(await openRouter(real, config, servers));
    return await sendAll(routers, REQUESTS * (config.dataThreads ?? defaultThreads()), turn);
  } finally {
    for (const router of routers) await router.close();
    for (const server of servers) server.close();
  }
}

async function sendAll(routers: readonly Router[], requests: number, turn: () => Turn): Promise<number> {
  let sent = 0;
  const next = async () => {
    while (sent < requests && turn() === 'wait') await delay(LOOK_MS);
    return sent < requests && turn() === 'go' ? kindOf(sent++) : undefined;
  };
  const clients = routers.flatMap(({ url }) => Array.from({ length: CLIENTS }, () => sendMadeUp(url, next)));
  await Promise.all(clients);
  return sent;
}

function kindOf(number: number): MadeUpKind {
  const path = number % GENERATE_EVERY === 0 ? '/generate' : '/v1/chat/completions';
  return { path, streams: number % STREAM_EVERY === 0 };
}

async function openServer(): Promise<Server> {
  const server = createServer(answerMadeUp).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function openRouter(real: Router, config: Config, servers: readonly Server[]): Promise<Router> {
  const own = privateConfig(config);
  const log = createLog('critical', () => {});
  const router = new Router(own, log, await Observing.open(own, { log }));
  const { registry } = router;
  try {
    await router.listen(own, real);
    for (const server of servers) registry.add({ url: `http://127.0.0.1:${portOf(server)}` });
    while (registry.available().length < servers.length) await once(registry, 'change');
    return router;
  } catch (error) {
    await router.close();
    throw error;
  }
}

/**
 * The same policy and limits; no keys, files and ports, which are the real router's, and no bound on what is made up. Made as the real
 * configuration is: code compiled for an object with another hidden class is thrown away when the real one comes.
 */
function privateConfig(config: Config): Config {
  const own: Config = {
    ...config,
    ...{ host: '127.0.0.1', port: 0, prometheusPort: 0, dpAware: false, pdDisaggregation: false },
    ...{ maxConcurrentRequests: -1, rateLimitTokensPerSecond: undefined, healthCheckEndpoint: '/health' },
    ...{ apiKey: undefined, controlPlaneApiKeys: [], tlsCertPath: undefined, tlsKeyPath: undefined },
    ...{ enableTrace: false, recordTrace: undefined },
  };
  return Object.freeze(Object.fromEntries(Object.entries(own)) as Config);
}
