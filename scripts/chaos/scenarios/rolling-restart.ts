import { Crowd } from '../crowd.ts';
import { someQuestion } from '../question.ts';
import { figuresOf, problemsOf, type Scenario } from '../scenario.ts';

const REQUESTS = 10_000;

export const rollingRestart: Scenario = {
  about: '4 workers restarted one after another under load, 10,000 requests: none fails',
  run: async (stage, { clients, say }) => {
    const engines = await stage.engines(4);
    const router = await stage.router(engines.map(({ url }) => url));
    const crowd = new Crowd(router.url, { clients, timeoutMs: 60_000, next: (n) => someQuestion(n, 8 + (n % 16)) });
    await crowd.reached(500);
    let restarts = 0;
    while (restarts < engines.length || crowd.replies < REQUESTS) {
      const engine = engines[restarts % engines.length]!;
      say(`${crowd.replies} of ${REQUESTS} answered, ${restarts} restarts, ${crowd.odd.length} not right`);
      await engine.stop();
      await engine.start();
      await router.until(
        `${engine.url} ready again`,
        (rows) => rows.some(({ url, is_healthy: healthy }) => url === engine.url && healthy),
        15_000,
      );
      restarts++;
      await crowd.reached(crowd.replies + 200);
    }
    await crowd.stop();
    return { figures: { ...figuresOf(crowd), restarts }, problems: problemsOf(crowd, router) };
  },
};
