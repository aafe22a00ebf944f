import { once } from 'node:events';
import { resolveRouter } from '../../src/config/resolve.ts';
import { createLog } from '../../src/observe/log/log.ts';
import { type Router, startRouter } from '../../src/router/router.ts';
import { bootstrapPortOf, type Json, startSim, type TestSim } from './sim.ts';

/** A prefill server; without a port it is given one that nobody asks. */
interface Prefill {
  readonly url: string;
  readonly bootstrapPort?: number;
}

/** A router in this process, before servers in pairs. */
export interface PairRouter extends AsyncDisposable {
  readonly router: Router;
  readonly url: string;
}

const ROUND_ROBIN: readonly string[] = ['--policy', 'round_robin'];

/** Starts a router before prefill and decode servers, and waits until all are ready. */
export async function pairRouter(
  prefills: readonly Prefill[],
  decodes: readonly { readonly url: string }[],
  flags: readonly string[] = ROUND_ROBIN,
): Promise<PairRouter> {
  const line = [
    '--pd-disaggregation',
    ...prefills.flatMap(({ url, bootstrapPort = 9001 }) => ['--prefill', url, String(bootstrapPort)]),
    ...decodes.flatMap(({ url }) => ['--decode', url]),
    ...['--retry-initial-backoff-ms', '1', '--prometheus-port', '0', ...flags],
  ];
  const { config } = await resolveRouter(line, {});
  const router = await startRouter({ ...config, port: 0 }, { log: createLog('critical') });
  const ready = () => router.registry.available('prefill').length + router.registry.available('decode').length;
  while (ready() < prefills.length + decodes.length) await once(router.registry, 'change');
  return { router, url: router.url, [Symbol.asyncDispose]: () => router.close() };
}

/** Simulated prefill and decode servers in this process behind a router. */
export interface PairFleet extends AsyncDisposable {
  readonly prefills: readonly TestSim[];
  readonly decodes: readonly TestSim[];
  readonly router: PairRouter;
  post(path: string, body: unknown, init?: RequestInit): Promise<Response>;
  /** Resolves when no request is counted anywhere any more and no room is open. */
  rested(): Promise<void>;
  /** Rooms that two requests were in at once. */
  duplicateRooms(): Promise<number>;
}

export interface FleetOptions {
  readonly prefills?: number;
  readonly decodes?: number;
  readonly flags?: readonly string[];
  readonly engineFlags?: readonly string[];
}

export async function startPairFleet(options: FleetOptions = {}): Promise<PairFleet> {
  const { prefills: prefillCount = 2, decodes: decodeCount = 2, flags, engineFlags = [] } = options;
  const start = (count: number, mode: readonly string[]) =>
    Promise.all(Array.from({ length: count }, () => startSim([...mode, '--enable-metrics', ...engineFlags])));
  const [prefills, decodes] = await Promise.all([
    start(prefillCount, ['--disaggregation-mode', 'prefill', '--disaggregation-bootstrap-port', '0']),
    start(decodeCount, ['--disaggregation-mode', 'decode']),
  ]);
  const addresses = prefills.map(({ url, lines }) => ({ url, bootstrapPort: bootstrapPortOf(lines) }));
  const router = await pairRouter(addresses, decodes, flags);
  const sims = [...prefills, ...decodes];
  const headers = { 'content-type': 'application/json' };
  return {
    prefills,
    decodes,
    router,
    post: (path, body, init) => {
      const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
      return fetch(router.url + path, { method: 'POST', body: text, headers, ...init });
    },
    rested: async () => {
      const { registry, admission } = router.router;
      while (admission.inFlight > 0 || registry.workers.some(({ load }) => load > 0)) await new Promise(setImmediate);
      for (const sim of sims) while (!(await isIdle(sim)));
    },
    duplicateRooms: async () => {
      let duplicates = 0;
      for (const sim of prefills) duplicates += await metricOf(sim, 'sim_duplicate_rooms_total');
      return duplicates;
    },
    [Symbol.asyncDispose]: async () => {
      await router[Symbol.asyncDispose]();
      await Promise.all(sims.map((sim) => sim[Symbol.asyncDispose]()));
    },
  };
}

/** The sum of a metric's samples, of those whose labels match; 0 where it has none. */
export async function metricOf({ get }: Pick<TestSim, 'get'>, name: string, labels = ''): Promise<number> {
  const text = await (await get('/metrics')).text();
  const samples = text.split('\n').filter((line) => line.startsWith(name) && line.includes(labels));
  return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** Whether an engine has nothing to do, and nobody waits in a room of its. */
async function isIdle(sim: TestSim): Promise<boolean> {
  const { loads } = (await (await sim.get('/v1/loads')).json()) as Json;
  const counts = loads.flatMap((load: Json) => [
    ...[load.num_running_reqs, load.num_waiting_reqs, load.num_used_tokens],
    ...Object.values(load.disaggregation),
  ]);
  return counts.every((count: unknown) => !(Number(count) > 0)) && (await metricOf(sim, 'sim_open_rooms')) === 0;
}
