import { Crowd } from '../crowd.ts';
import { someQuestion } from '../question.ts';
import { delay, figuresOf, problemsOf, type Scenario } from '../scenario.ts';

const SERVES_WITHIN_MS = 2_000;

export const scaling: Scenario = {
  about: '4 → 8 → 2 workers under load: none fails, new ones serve at once, removed ones get nothing more',
  run: async (stage, { clients, say }) => {
    const engines = await stage.engines(4);
    const router = await stage.router(engines.map(({ url }) => url));
    await router.until('all ready', (rows) => rows.every((row) => row.is_healthy), 10_000);
    const crowd = new Crowd(router.url, { clients, timeoutMs: 60_000, next: (n) => someQuestion(n, 8 + (n % 16)) });
    const firstMs = new Map<string, number>();
    const lastMs = new Map<string, number>();
    crowd.onReply = ({ worker = '', sentMs, endMs }) => {
      if (!firstMs.has(worker)) firstMs.set(worker, endMs);
      lastMs.set(worker, Math.max(sentMs, lastMs.get(worker) ?? 0));
    };
    await crowd.reached(1_000);

    const added = await stage.engines(4);
    const addedMs = new Map<string, number>();
    for (const { url } of added) {
      await router.change('add_worker', url);
      addedMs.set(url, performance.now());
      say(`added ${url}`);
    }
    await crowd.reached(crowd.replies + 2_000);

    const all = [...engines, ...added];
    const removedMs = new Map<string, number>();
    for (const engine of all.slice(0, 6)) {
      await router.change('remove_worker', engine.url);
      removedMs.set(engine.url, performance.now());
      say(`removed ${engine.url}`);
      await delay(200);
    }
    await crowd.reached(crowd.replies + 2_000);
    const left = await router.workers();
    await crowd.stop();

    const waits = [...addedMs].map(([url, ms]) => (firstMs.get(url) ?? Number.POSITIVE_INFINITY) - ms);
    const problems = problemsOf(crowd, router);
    if (Math.max(...waits) > SERVES_WITHIN_MS) problems.push(`added workers served after ${waits.map(Math.round)} ms`);
    for (const [url, ms] of removedMs) {
      const late = (lastMs.get(url) ?? 0) - ms;
      if (late > 0) problems.push(`${url} got a request that was sent ${late} ms after its removal`);
    }
    if (left.length !== 2) problems.push(`expected 2 workers to be left, got ${left.map(({ url }) => url)}`);
    return {
      figures: { ...figuresOf(crowd), 'slowest new worker served after, ms': Math.round(Math.max(0, ...waits)) },
      problems,
    };
  },
};
