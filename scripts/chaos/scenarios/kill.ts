import type { Reply } from '../ask.ts';
import { Crowd } from '../crowd.ts';
import { someQuestion } from '../question.ts';
import { figuresOf, problemsOf, type Scenario } from '../scenario.ts';

const KILLS = 3;

export const kill: Scenario = {
  about:
    'SIGKILL of the busiest of 4: what has no byte yet is answered by another, streams under way end with an error event',
  run: async (stage, { clients, say }) => {
    const engines = await stage.engines(4);
    const router = await stage.router(engines.map(({ url }) => url));
    const crowd = new Crowd(router.url, { clients, timeoutMs: 60_000, next: (n) => someQuestion(n, 20 + (n % 20)) });
    const killed: { url: string; atMs: number }[] = [];
    for (let i = 0; i < KILLS; i++) {
      await crowd.reached(crowd.replies + 500);
      const [busiest] = (await router.workers()).toSorted((a, b) => b.load - a.load);
      const engine = engines.find(({ url }) => url === busiest?.url)!;
      say(`killing ${engine.url} with ${busiest?.load} requests in flight`);
      killed.push({ url: engine.url, atMs: performance.now() });
      await engine.kill();
      await crowd.reached(crowd.replies + 500);
      await engine.start();
      await router.until('back again', (rows) => rows.every((row) => row.is_healthy), 15_000);
    }
    await crowd.stop();
    const underWay = ({ outcome, stream, worker, sentMs, endMs }: Reply) =>
      (outcome === 'terminated' || (outcome === 'cut' && !stream)) &&
      killed.some(({ url, atMs }) => url === worker && sentMs <= atMs && atMs <= endMs);
    const problems = problemsOf(crowd, router, underWay);
    if (crowd.counts.terminated === 0) problems.push('no stream was under way when its worker was killed');
    return { figures: { ...figuresOf(crowd), kills: KILLS }, problems };
  },
};
