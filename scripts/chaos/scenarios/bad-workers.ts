import { recordingWorker } from '../../../test/helpers/recording-worker.ts';
import { Crowd } from '../crowd.ts';
import { question } from '../question.ts';
import { figuresOf, problemsOf, type Scenario, seconds } from '../scenario.ts';

const REQUESTS = 3_000;
const MOST_UPSTREAM = 1.2;
const ANSWER_MS = 20;

export const badWorkers: Scenario = {
  about:
    'one worker answers 500 to everything, one hangs, one is healthy: every client succeeds, upstream load ≤ 1.2 ×',
  run: async (stage, { clients, say }) => {
    const asked = question('a question', 8, { chat: false, stream: false });
    const body = JSON.stringify({ text: asked.text });
    const answer = (status: string, text: string) =>
      `HTTP/1.1 ${status}\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
    const healthy = stage.use(
      await recordingWorker((_, socket) => {
        setTimeout(() => socket.writable && socket.write(answer('200 OK', body)), ANSWER_MS);
      }),
    );
    const failing = stage.use(
      await recordingWorker((_, socket) => void socket.write(answer('500 No', '{"error":"no"}'))),
    );
    const hanging = stage.use(await recordingWorker(() => {}));
    const router = await stage.router([failing.url, hanging.url, healthy.url], ['--policy', 'round_robin']);
    const startMs = performance.now();
    const crowd = new Crowd(router.url, { clients, timeoutMs: 120_000, next: () => asked });
    let slowestMs = 0;
    crowd.onReply = ({ sentMs, endMs }) => {
      slowestMs = Math.max(slowestMs, endMs - sentMs);
      if (crowd.replies % 50 === 0) say(`${crowd.replies} of ${REQUESTS} answered`);
    };
    await crowd.reached(REQUESTS);
    await crowd.stop();
    const upstream = { failing: failing.total, hanging: hanging.total, healthy: healthy.total };
    const ratio = (failing.total + hanging.total + healthy.total) / crowd.replies;
    const problems = problemsOf(crowd, router);
    if (ratio > MOST_UPSTREAM)
      problems.push(`upstream load ${ratio.toFixed(2)} ×, expected ${MOST_UPSTREAM} × at most`);
    return {
      figures: {
        ...figuresOf(crowd),
        ...upstream,
        'upstream ÷ requests': ratio.toFixed(3),
        'slowest answer': seconds(slowestMs),
        took: seconds(performance.now() - startMs),
      },
      problems,
    };
  },
};
