import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ok, type RecordingWorker, type Respond, recordingWorker } from '../helpers/recording-worker.ts';
import { startSim } from '../helpers/sim.ts';
import { DATA_THREADS, type TestRouter, testRouter, until } from '../helpers/test-router.ts';

const POLICIES = [
  'random',
  'round_robin',
  'power_of_two',
  'cache_aware',
  'least_load',
  'consistent_hashing',
  'prefix_hash',
  'manual',
] as const;

/** Long enough that a worker which fails at once looks idle beside it. */
const WORK_MS = 5;
const QUICK = ['--retry-initial-backoff-ms', '1'];

const good: Respond = (_, socket) => void setTimeout(() => socket.write(ok('good')), WORK_MS);
const saying =
  (line: string): Respond =>
  (_, socket) =>
    void socket.write(`HTTP/1.1 ${line}\r\ncontent-length: 3\r\n\r\nbad`);
const isBad = ({ body }: { readonly body: Buffer }) => body.includes('bad');
/** Refuses requests that are bad, as every worker should. */
const strict =
  (line: string): Respond =>
  (request, socket) =>
    isBad(request) ? saying(line)(request, socket) : good(request, socket);

const post = (router: TestRouter, text: string) =>
  fetch(`${router.url}/generate`, { method: 'POST', body: JSON.stringify({ text }) });

async function fleet(
  t: TestContext,
  responds: readonly Respond[],
  flags: readonly string[] = [],
  policy = 'least_load',
) {
  const workers = await Promise.all(responds.map((respond) => recordingWorker(respond)));
  const urls = workers.map(({ url }) => url);
  const router = await testRouter(urls, [...QUICK, ...flags], { policy: policy as never });
  t.after(async () => {
    await router[Symbol.asyncDispose]();
    for (const worker of workers) await worker.close();
  });
  return { workers, router, all: router.router.registry.workers };
}

/** Requests of clients that reached any worker. */
function sent(workers: readonly RecordingWorker[]): number {
  return workers.flatMap(({ requests }) => requests).filter(({ target }) => target === '/generate').length;
}

/** So many requests by a few clients at once; how many of each status. */
async function ask(router: TestRouter, requests: number, textOf: (n: number) => string, clients = 16) {
  const counts = new Map<number, number>();
  let sent = 0;
  const client = async () => {
    while (sent < requests) {
      const answer = await post(router, textOf(sent++));
      await answer.text();
      counts.set(answer.status, (counts.get(answer.status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return counts;
}

/** Requests of 16 clients that the bad one of four has before anybody knows; between threads some more pass while the verdict is told. */
const NOTICED = DATA_THREADS === 1 ? 4 : 8;

const promptOf = (n: number) => `${n % 24} is the number of this prompt`;

for (const policy of POLICIES) {
  for (const line of ['401 No', '404 No', '500 No', '503 Full']) {
    test(`(48) ${line} from one of four at once, ${policy}: clients hardly notice`, async (t) => {
      const { router, workers } = await fleet(t, [saying(line), good, good, good], [], policy);
      const counts = await ask(router, 400, promptOf);
      assert.ok((counts.get(200) ?? 0) >= 400 - NOTICED, `${JSON.stringify([...counts])}`);
      assert.ok(workers[0]!.total < 80, `it was asked ${workers[0]!.total} times`);
    });
  }
}

for (const line of ['400 Bad', '401 No', '404 No', '422 Odd']) {
  test(`(49) a client whose every request is ${line} takes no traffic from any worker`, async (t) => {
    const { router, workers } = await fleet(t, Array(4).fill(strict(line)), [], 'round_robin');
    let over = false;
    const hostile = (async () => {
      let refused = 0;
      while (!over) {
        assert.equal((await post(router, 'bad')).status, Number(line.slice(0, 3)));
        refused++;
      }
      return refused;
    })();
    const counts = await ask(router, 400, promptOf);
    over = true;
    assert.ok((await hostile) > 10);
    assert.deepEqual([...counts], [[200, 400]]);
    for (const { requests } of workers) {
      const share = requests.filter((request) => !isBad(request)).length;
      assert.ok(share > 60 && share < 140, `${share} of 400`);
    }
    assert.ok(!router.lines.some((one) => one.includes('stands out')));
  });
}

test('(48) what one worker refuses again and again, another is asked; the client gets that answer', async (t) => {
  const { router, workers, all } = await fleet(t, [saying('404 No'), good], [], 'round_robin');
  const statuses: number[] = [];
  while (workers[0]!.total < 3) statuses.push((await post(router, 'x')).status);
  assert.equal(statuses.filter((status) => status === 404).length, 2);
  assert.equal(statuses.at(-1), 200);
  // One error that another does not give is no row.
  await until(() => all[0]?.targets[0]?.holds('/generate') === false);
});

test('(48) it comes back when it is well again, and the log and /workers tell of both', async (t) => {
  let broken = true;
  const { router, all } = await fleet(
    t,
    [(request, socket) => (broken ? saying('401 No') : good)(request, socket), good, good],
    [],
    'round_robin',
  );
  while (all[0]?.problem === undefined) await ask(router, 20, promptOf);
  const { workers } = (await (await fetch(`${router.url}/workers`)).json()) as { workers: { problem?: string }[] };
  assert.match(workers[0]?.problem ?? '', /errors that others do not give: 401 to \/generate/);
  broken = false;
  while (all[0]?.problem !== undefined) await ask(router, 20, promptOf);
  await until(() => router.lines.some((line) => line.includes('stands out no more')));
});

test('(48) a lone worker is asked once, whatever it says', async (t) => {
  const { router, workers } = await fleet(t, [saying('404 No')]);
  for (let i = 0; i < 10; i++) assert.equal((await post(router, 'x')).status, 404);
  assert.equal(sent(workers), 10);
});

test('(48) with --disable-retries nothing is sent twice, and a worker that fails fast gets little all the same', async (t) => {
  const { router, workers } = await fleet(t, [saying('401 No'), good, good, good], ['--disable-retries']);
  const counts = await ask(router, 400, promptOf);
  assert.ok((counts.get(401) ?? 0) <= 24, `${JSON.stringify([...counts])}`);
  assert.equal(sent(workers), 400);
});

test('(48) with --disable-outlier-detection a worker that fails at once is asked like any other', async (t) => {
  const { router, workers } = await fleet(t, [saying('404 No'), good], ['--disable-outlier-detection'], 'round_robin');
  await ask(router, 40, promptOf, 1);
  assert.equal(workers[0]!.total, 20);
});

test('(48) a worker that refuses every request, also the one for its model, is compared with those that tell theirs', async (t) => {
  const sims = await Promise.all([...[[], [], []], ['--api-key', 'another']].map((flags) => startSim(flags)));
  t.after(() => Promise.all(sims.map((sim) => sim[Symbol.asyncDispose]())));
  const urls = sims.map(({ url }) => url);
  await using router = await testRouter(urls, QUICK, { policy: 'least_load' });
  const counts = await ask(router, 400, (n) => `prompt ${n}`);
  const refused = counts.get(401) ?? 0;
  assert.ok(refused <= 20, `${refused} of 400`);
});

test('(48) streams that end with an error event after some tokens stand out, though nobody else can be asked', async (t) => {
  const events = ['data: {"text":"one"}', 'data: {"error":{"message":"out of memory","code":500}}', 'data: [DONE]'];
  const body = `${events.join('\n\n')}\n\n`;
  const head = `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: ${body.length}\r\n\r\n`;
  const { router, all } = await fleet(
    t,
    [(_, socket) => void socket.write(head + body), good, good, good],
    ['--cb-failure-threshold', '100000'],
    'round_robin',
  );
  while (all[0]?.problem === undefined) await ask(router, 40, promptOf);
  assert.match(all[0]?.problem ?? '', /requests to \/generate|500 to \/generate/);
});
