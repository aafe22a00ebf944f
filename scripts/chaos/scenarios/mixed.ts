import { seededRandom } from '../../../test/helpers/seeded-random.ts';
import { Crowd } from '../crowd.ts';
import type { Engine } from '../engine.ts';
import { descriptors, median, rssKb } from '../gauges.ts';
import { isExcused, type Kill } from '../kills.ts';
import { leave } from '../leave.ts';
import { someQuestion } from '../question.ts';
import { delay, figuresOf, problemsOf, type Scenario } from '../scenario.ts';
import type { Router } from '../stage.ts';

const ENGINES = 5;
/** Engines left in peace at any time, so that no request has a reason to fail. */
const UNDISTURBED = 2;
/** They recur, so that the prefix index is full when memory begins to be watched. */
const QUESTIONS = 4_096;
const SAMPLE_MS = 1_000;
const IDLE_MS = 7_000;
/** A run shorter than this says nothing of memory. */
const JUDGED_MINUTES = 10;
const MOST_GROWTH_MB = 10;

export const mixed: Scenario = {
  about:
    'for --minutes: workers are killed, hung, slowed, restarted, added and removed under load; every answer is checked',
  run: async (stage, { clients, minutes, seed, say }) => {
    const engines = await stage.engines(ENGINES);
    const router = await stage.router(engines.map(({ url }) => url));
    const random = seededRandom(seed);
    const kills: Kill[] = [];
    const done: Record<string, number> = {};
    const before = descriptors(router.pid);
    const endMs = performance.now() + minutes * 60_000;
    const over = () => performance.now() > endMs || router.over !== undefined;

    const crowd = new Crowd(router.url, {
      clients,
      timeoutMs: 120_000,
      next: (n) => someQuestion(n % QUESTIONS, 8 + (n % 24)),
    });
    const leaving = leave(router, random, over);
    const samples: { atMs: number; kb: number; files: number }[] = [];
    const watch = setInterval(() => {
      if (router.over !== undefined) return;
      samples.push({ atMs: performance.now(), kb: rssKb(router.pid), files: descriptors(router.pid) });
      const left = Math.max(0, Math.round((endMs - performance.now()) / 1000));
      const rss = ((samples.at(-1)?.kb ?? 0) / 1024).toFixed(0);
      say(
        `${left} s left, ${crowd.replies} answered, ${crowd.odd.length} not right, ${rss} MB, ${Object.entries(done).flat().join(' ')}`,
      );
    }, SAMPLE_MS);
    const busy = new Set<Engine>();
    const disturbances: Promise<void>[] = [];
    const problems: string[] = [];
    while (!over()) {
      await delay(500 + random() * 4_000);
      const free = engines.filter((engine) => !busy.has(engine));
      if (free.length <= UNDISTURBED || over()) continue;
      const engine = free[Math.floor(random() * free.length)] as Engine;
      const [name, disturb] = DISTURBANCES[Math.floor(random() * DISTURBANCES.length)] as (typeof DISTURBANCES)[number];
      done[name] = (done[name] ?? 0) + 1;
      busy.add(engine);
      disturbances.push(
        disturb({ engine, router, kills, random })
          .catch((error: Error) => void problems.push(`${name}: ${error.message}`))
          .finally(() => busy.delete(engine)),
      );
    }
    await Promise.all(disturbances);
    await crowd.stop();
    const left = await leaving;
    clearInterval(watch);
    await delay(IDLE_MS);
    problems.push(...problemsOf(crowd, router, (reply) => isExcused(reply, kills)));
    if (router.over !== undefined) return { figures: figuresOf(crowd), problems };
    const load = (await router.workers()).reduce((sum, row) => sum + row.load, 0);
    const after = descriptors(router.pid);
    if (load !== 0) problems.push(`${load} requests are counted in flight, and none is`);
    if (after > before + 5) problems.push(`descriptors: ${before} before, ${after} after`);
    const memory = memoryOf(samples);
    if (minutes >= JUDGED_MINUTES && memory.growthMb > MOST_GROWTH_MB)
      problems.push(`memory grew by ${memory.growthMb.toFixed(1)} MB`);
    return {
      figures: {
        ...figuresOf(crowd),
        'clients that left': left,
        ...done,
        minutes,
        'RSS after warm-up, MB': memory.warmMb.toFixed(1),
        'RSS at the end, MB': memory.endMb.toFixed(1),
        'RSS slope, MB/h': memory.slopeMbPerHour.toFixed(1),
        'descriptors at rest': `${before} → ${after}`,
        'descriptors at most': Math.max(...samples.map(({ files }) => files)),
        seed,
      },
      problems,
    };
  },
};

interface Disturbance {
  readonly engine: Engine;
  readonly router: Router;
  readonly kills: Kill[];
  readonly random: () => number;
}

const DISTURBANCES: readonly (readonly [string, (disturbance: Disturbance) => Promise<void>])[] = [
  [
    'killed',
    async ({ engine, router, kills, random }) => {
      kills.push({ url: engine.url, atMs: performance.now() });
      await engine.kill();
      await delay(random() * 4_000);
      await engine.start();
      await backIn(router, engine);
    },
  ],
  [
    'restarted',
    async ({ engine, router }) => {
      await engine.stop();
      await engine.start();
      await backIn(router, engine);
    },
  ],
  [
    'slowed',
    async ({ engine, router, random }) => {
      await engine.stop();
      await engine.start(['--sim-slow-factor', '4', '--sim-health-secs', '2']);
      await backIn(router, engine);
      await delay(random() * 15_000);
      await engine.stop();
      await engine.start();
      await backIn(router, engine);
    },
  ],
  [
    'hung',
    async ({ engine, router, random }) => {
      engine.pause();
      await delay(2_000 + random() * 20_000);
      engine.resume();
      await backIn(router, engine);
    },
  ],
  [
    'removed',
    async ({ engine, router, random }) => {
      await router.change('remove_worker', engine.url);
      await delay(random() * 4_000);
      await router.change('add_worker', engine.url);
      await backIn(router, engine);
    },
  ],
];

/** A breaker that was opened by the trouble may keep a worker out for its whole time-out. */
function backIn(router: Router, engine: Engine): Promise<void> {
  return router.until(
    `${engine.url} ready again`,
    (rows) => rows.some(({ url, is_healthy: healthy }) => url === engine.url && healthy),
    45_000,
  );
}

/** What memory did once code and caches had warmed up: the first quarter of the samples is left out. */
function memoryOf(samples: readonly { atMs: number; kb: number }[]) {
  const warm = samples.slice(Math.floor(samples.length / 4));
  const third = Math.ceil(warm.length / 3);
  const mb = (part: typeof samples) => median(part.map(({ kb }) => kb)) / 1024;
  const [warmMb, endMb] = [mb(warm.slice(0, third)), mb(warm.slice(-third))];
  return { warmMb, endMb, growthMb: endMb - warmMb, slopeMbPerHour: slope(warm) };
}

/** Least squares, in MB an hour. */
function slope(samples: readonly { atMs: number; kb: number }[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [atMs, kb] = [mean(samples.map((one) => one.atMs)), mean(samples.map((one) => one.kb))];
  const over = samples.reduce((sum, one) => sum + (one.atMs - atMs) * (one.kb - kb), 0);
  const under = samples.reduce((sum, one) => sum + (one.atMs - atMs) ** 2, 0);
  return (over / under / 1024) * 3_600_000;
}
