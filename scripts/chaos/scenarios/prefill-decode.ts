import { Agent } from 'node:http';
import { seededRandom } from '../../../test/helpers/seeded-random.ts';
import { ask } from '../ask.ts';
import { Crowd } from '../crowd.ts';
import { Engine } from '../engine.ts';
import { median } from '../gauges.ts';
import { isExcused, type Kill } from '../kills.ts';
import { leave } from '../leave.ts';
import { question, someQuestion } from '../question.ts';
import { delay, type Findings, figuresOf, problemsOf, type Scenario, type ScenarioOptions } from '../scenario.ts';
import type { Router, Stage } from '../stage.ts';

const KILLS = 1_000;
/** They recur, so that the prefix indexes fill up early. */
const QUESTIONS = 4_096;
const KILLS_IN_PREFILL = 20;
const OF_EACH = 4;
/** From the kill of a prefill server to the end of the call at its decode server. */
const CANCELLED_WITHIN_MS = 100;

const ENGINE_FLAGS = [
  ...['--sim-prefill-tokens-per-sec', '20000', '--sim-decode-base-ms', '1', '--sim-decode-per-running-ms', '0.05'],
  ...['--sim-heartbeat-secs', '1', '--sim-handshake-secs', '2'],
];
/** A worker that comes back is asked again soon, so that it can be killed again. */
const ROUTER_FLAGS = ['--cb-timeout-duration-secs', '1', '--health-check-interval-secs', '1'];

export const prefillDecode: Scenario = {
  about: '1,000 kills of 4 prefill and 4 decode servers while clients come and leave: no hang, no leak, no wrong text',
  run: (stage, options) =>
    killPairs(stage, options, {
      ofEach: OF_EACH,
      kills: KILLS,
      killsInPrefill: KILLS_IN_PREFILL,
      cancelledWithinMs: CANCELLED_WITHIN_MS,
    }),
};

/** How often servers are killed. */
export interface Kills {
  /** Prefill servers, and decode servers; half of them may be down at the same time. */
  readonly ofEach: number;
  /** At random, under load. */
  readonly kills: number;
  /** Of the prefill server of a single request, while it computes. */
  readonly killsInPrefill: number;
  /** Nearly all decode servers must have been told by then. */
  readonly cancelledWithinMs: number;
}

export async function killPairs(stage: Stage, options: ScenarioOptions, count: Kills): Promise<Findings> {
  const start = async (mode: 'prefill' | 'decode') => {
    const engine = await Engine.startHalf(mode, ENGINE_FLAGS);
    stage.use({ [Symbol.asyncDispose]: () => engine.kill() });
    return engine;
  };
  const several = (mode: 'prefill' | 'decode') => Promise.all(Array.from({ length: count.ofEach }, () => start(mode)));
  const [prefills, decodes] = await Promise.all([several('prefill'), several('decode')]);
  const router = await stage.pairRouter(prefills, decodes, ROUTER_FLAGS);
  const cancelledMs: number[] = [];
  for (let i = 0; i < count.killsInPrefill; i++) cancelledMs.push(await killInPrefill(router, prefills, decodes, i));
  const found = await killUnderLoad(router, { prefills, decodes }, options, count);
  const sorted = cancelledMs.toSorted((a, b) => a - b);
  const nearlyAllMs = sorted[Math.floor(sorted.length * 0.9)] as number;
  const problems = [...found.problems];
  if (nearlyAllMs > count.cancelledWithinMs)
    problems.push(`decode was cancelled ${nearlyAllMs.toFixed(0)} ms after the kill`);
  return {
    figures: {
      'prefill servers killed over a request': cancelledMs.length,
      'decode cancelled after, p50 ms': median(cancelledMs).toFixed(1),
      'decode cancelled after, max ms': sorted.at(-1)?.toFixed(1) ?? '',
      ...found.figures,
    },
    problems,
  };
}

/** Kills the prefill server of one long prompt; resolves with how long its decode server had to wait for the cancellation. */
async function killInPrefill(router: Router, prefills: readonly Engine[], decodes: readonly Engine[], number: number) {
  const agent = new Agent();
  const asked = question(`${number} ${'A long text. '.repeat(4_000)}`, 8, { chat: false, stream: number % 2 === 0 });
  const replied = ask(router.url, asked, { agent, timeoutMs: 30_000 });
  const [prefill, decode] = await Promise.all([firstBusy(prefills), firstBusy(decodes)]);
  const killedMs = performance.now();
  const killed = prefill.kill();
  while ((await requestsAt(decode)) > 0);
  const cancelledMs = performance.now() - killedMs;
  await killed;
  const { outcome, detail, worker } = await replied;
  if (outcome !== 'right' || worker === decode.url) throw new Error(`${outcome} from ${worker}: ${detail}`);
  await prefill.start();
  await backIn(router, prefill);
  return cancelledMs;
}

/** The first of them that has a request. */
async function firstBusy(engines: readonly Engine[]): Promise<Engine> {
  for (;;) {
    for (const engine of engines) if ((await requestsAt(engine)) > 0) return engine;
  }
}

async function killUnderLoad(
  router: Router,
  { prefills, decodes }: { readonly prefills: readonly Engine[]; readonly decodes: readonly Engine[] },
  { clients, seed, say }: ScenarioOptions,
  { kills: most, ofEach }: Kills,
): Promise<Findings> {
  const random = seededRandom(seed);
  const kills: Kill[] = [];
  let duplicates = 0;
  const over = () => kills.length >= most || router.over !== undefined;
  const crowd = new Crowd(router.url, {
    clients,
    timeoutMs: 60_000,
    next: (n) => someQuestion(n % QUESTIONS, 4 + (n % 16)),
  });
  const leaving = leave(router, random, over);
  const busy = new Set<Engine>();
  const killing = Array.from({ length: ofEach / 2 }, () => [prefills, decodes])
    .flat()
    .map(async (engines) => {
      while (!over()) {
        const free = engines.filter((engine) => !busy.has(engine));
        const engine = free[Math.floor(random() * free.length)] as Engine;
        busy.add(engine);
        duplicates += await metric(engine, 'sim_duplicate_rooms_total');
        kills.push({ url: engine.url, atMs: performance.now() });
        await engine.kill();
        await delay(random() * 100);
        await engine.start();
        await backIn(router, engine);
        busy.delete(engine);
        say(`${kills.length} of ${most} killed, ${crowd.replies} answered, ${crowd.odd.length} not right`);
      }
    });
  await Promise.all(killing);
  await crowd.stop();
  const left = await leaving;
  const problems = problemsOf(crowd, router, (reply) => isExcused(reply, kills));
  if (crowd.counts.wrong > 0) problems.push(`${crowd.counts.wrong} wrong texts`);
  if (router.over !== undefined) return { figures: figuresOf(crowd), problems };
  const engines = [...prefills, ...decodes];
  await Promise.all(engines.map(rested));
  for (const engine of engines) duplicates += await metric(engine, 'sim_duplicate_rooms_total');
  const rooms = (await Promise.all(prefills.map((engine) => metric(engine, 'sim_open_rooms')))).reduce((a, b) => a + b);
  const load = (await router.workers()).reduce((sum, row) => sum + row.load, 0);
  if (load !== 0) problems.push(`${load} requests are counted in flight, and none is`);
  if (rooms !== 0) problems.push(`${rooms} rooms are open, and nobody is in them`);
  if (duplicates !== 0) problems.push(`${duplicates} rooms had two requests at once`);
  const figures = { kills: kills.length, 'clients that left': left, 'in flight': load, 'open rooms': rooms, seed };
  return { figures: { ...figuresOf(crowd), ...figures, 'duplicate rooms': duplicates }, problems };
}

function backIn(router: Router, { url }: Engine): Promise<void> {
  const isBack = (rows: Awaited<ReturnType<Router['workers']>>) =>
    rows.some((row) => row.url === url && row.is_healthy);
  return router.until(`${url} ready again`, isBack, 45_000);
}

/** Requests that an engine has, in whatever state. */
async function requestsAt({ url }: Engine): Promise<number> {
  const { loads } = (await (await fetch(`${url}/v1/loads`)).json()) as { loads: readonly Load[] };
  return loads.reduce((sum, load) => sum + load.num_running_reqs + load.num_waiting_reqs, 0);
}

interface Load {
  readonly num_running_reqs: number;
  readonly num_waiting_reqs: number;
}

async function rested(engine: Engine): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (performance.now() < deadline && (await requestsAt(engine)) > 0) await delay(20);
  if ((await requestsAt(engine)) > 0) throw new Error(`${engine.url} still has requests`);
}

/** A number from an engine's `/metrics`; 0 where it has none of that name. */
async function metric({ url }: Engine, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\d+)`, 'm').exec(text)?.[1] ?? 0);
}
