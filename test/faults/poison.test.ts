import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type MortalOptions, type MortalWorker, mortalWorker, POISON } from '../helpers/mortal-worker.ts';
import { pairRouter } from '../helpers/pair-router.ts';
import { ok, type RecordingWorker, recordingWorker } from '../helpers/recording-worker.ts';
import { type SimProcess, spawnSim } from '../helpers/spawn-sim.ts';
import { testRouter, until } from '../helpers/test-router.ts';
import { tlsFile } from '../helpers/tls.ts';

const post = (url: string, body: object = {}, path = '/generate', method = 'POST') =>
  fetch(url + path, { method, body: JSON.stringify({ text: 'hello', ...body }) });

/** The code and the message of an error of the router's own. */
async function errorOf(answer: Response): Promise<{ readonly code: string; readonly message: string }> {
  return ((await answer.json()) as { error: { code: string; message: string } }).error;
}

const kill = (url: string, path?: string, method?: string) => post(url, { user: POISON }, path, method);

async function mortals(t: TestContext, count: number, options?: MortalOptions): Promise<MortalWorker[]> {
  const workers = await Promise.all(Array.from({ length: count }, () => mortalWorker(options)));
  t.after(() => Promise.all(workers.map((worker) => worker[Symbol.asyncDispose]())));
  return workers;
}

const dead = (workers: readonly MortalWorker[]) => workers.filter((worker) => worker.dead);

const LIMITS: readonly (readonly [flags: readonly string[], most: number])[] = [
  [[], 2],
  [['--retry-max-retries', '1'], 2],
  [['--disable-retries'], 1],
];

for (const [flags, most] of LIMITS) {
  test(`of six engines a request that ends its engine ends ${most}: ${flags.join(' ') || 'default flags'}`, async (t) => {
    const sims: SimProcess[] = Array.from({ length: 6 }, () => spawnSim(['--sim-die-on-request', '2']));
    t.after(() => Promise.all(sims.map((sim) => sim[Symbol.asyncDispose]())));
    const urls = await Promise.all(sims.map((sim) => sim.url()));
    await using router = await testRouter(urls, flags);
    const ended = () => urls.filter((_, i) => sims[i]?.child.exitCode !== null);
    // Leaves a connection to each.
    for (const _ of sims) assert.equal((await post(router.url)).status, 200);
    const answer = await post(router.url);
    await until(() => ended().length >= most);
    assert.deepEqual([answer.status, ended().length], [502, most]);
    const { code, message } = await errorOf(answer);
    assert.equal(code, most === 2 ? 'worker_died' : 'worker_connection_failed');
    assert.equal(answer.headers.get('x-should-retry'), most === 2 ? 'false' : null);
    for (const url of ended()) assert.ok(message.includes(url), `${url} in: ${message}`);
  });
}

const KINDS: readonly (readonly [what: string, options: MortalOptions, flags: readonly string[]])[] = [
  ['over new and kept connections', {}, []],
  ['after the head of its answer', { headFirst: true }, []],
  ['over TLS', { tls: true }, ['--ca-cert-paths', tlsFile('ca.pem')]],
];

for (const [what, options, flags] of KINDS) {
  for (const [limit, most] of LIMITS) {
    test(`a request that ends its server ${what} ends ${most}: ${limit.join(' ') || 'default flags'}`, async (t) => {
      for (const warm of [false, true]) {
        const workers = await mortals(t, 5, options);
        await using router = await testRouter(
          workers.map(({ url }) => url),
          [...limit, ...flags],
        );
        if (warm) for (const _ of workers) await (await post(router.url)).text();
        assert.equal((await kill(router.url)).status, 502);
        assert.equal(dead(workers).length, most, `warm: ${warm}`);
        assert.equal((await post(router.url)).status, 200);
      }
    });
  }
}

test('what may not be repeated is sent once, over a connection of its own', async (t) => {
  const workers = await mortals(t, 4);
  await using router = await testRouter(workers.map(({ url }) => url));
  for (const _ of workers) await (await post(router.url)).text();
  const answer = await kill(router.url, '/update_weights');
  assert.deepEqual([answer.status, (await errorOf(answer)).code], [502, 'worker_connection_failed']);
  assert.equal(dead(workers).length, 1);
  assert.deepEqual(
    workers.flatMap(({ seen }) => seen).filter((line) => line.includes('/update_weights')),
    ['POST /update_weights'],
  );
});

test('what is idempotent may go to the same server again, not to another', async (t) => {
  const workers = await mortals(t, 4);
  await using router = await testRouter(workers.map(({ url }) => url));
  for (const _ of workers) await (await post(router.url)).text();
  assert.equal((await kill(router.url, '/lora/1', 'PUT')).status, 502);
  assert.equal(dead(workers).length, 1);
});

test('another rank of a server is no other server', async (t) => {
  const workers = await mortals(t, 3, { facts: { dp_size: 4 } });
  await using router = await testRouter(
    workers.map(({ url }) => url),
    ['--dp-aware'],
    { policy: 'round_robin' },
  );
  await until(() => router.router.registry.available().length === 12);
  const answer = await kill(router.url);
  const { code, message } = await errorOf(answer);
  assert.equal(code, 'worker_died');
  assert.equal(dead(workers).length, 2);
  for (const { url } of dead(workers)) assert.ok(message.includes(url), message);
});

test('a sole server that comes back is given it once more, and no third time', async (t) => {
  const [worker] = (await mortals(t, 1)) as [MortalWorker];
  await using router = await testRouter([worker.url]);
  const answer = kill(router.url);
  await until(() => worker.dead && router.router.registry.available().length === 0);
  await using again = await mortalWorker({ port: Number(new URL(worker.url).port) });
  assert.equal((await errorOf(await answer)).message.includes(`${worker.url} broke off twice`), true);
  assert.ok(again.dead);
});

const PAIRS: readonly (readonly [which: string, ends: (role: 'prefill' | 'decode') => boolean])[] = [
  ['the prefill server', (role) => role === 'prefill'],
  ['the decode server', (role) => role === 'decode'],
  ['both servers', () => true],
];
for (const [which, ends] of PAIRS) {
  test(`a request that ends ${which} of a pair ends two`, async (t) => {
    const immune = (role: 'prefill' | 'decode') => ({ immune: !ends(role) });
    const prefills = await mortals(t, 4, immune('prefill'));
    const decodes = await mortals(t, 4, immune('decode'));
    await using router = await pairRouter(prefills, decodes);
    const answer = await kill(router.url);
    assert.deepEqual([answer.status, (await errorOf(answer)).code], [502, 'worker_died']);
    assert.equal(dead([...prefills, ...decodes]).length, 2);
    assert.equal((await post(router.url)).status, 200);
  });
}

test('those that were with it by chance when it ended their server do not follow it to the next', async (t) => {
  const INNOCENT = 3;
  const poisoned: RecordingWorker[] = [];
  const held: (() => void)[] = [];
  let hadOne = 0;
  const release = () => {
    for (const answer of held.splice(0)) answer();
  };
  /** Innocent requests are answered once the other one has been read by a second server. */
  const workers: RecordingWorker[] = await Promise.all(
    Array.from({ length: 6 }, (_, index) =>
      recordingWorker(({ body }, socket) => {
        const worker = workers[index] as RecordingWorker;
        if (!body.includes(POISON)) {
          hadOne++;
          if (poisoned.length >= 2) socket.write(ok('fine'));
          else held.push(() => void socket.write(ok('fine')));
          return;
        }
        poisoned.push(worker);
        void worker.close().then(() => poisoned.length >= 2 && release());
      }),
    ),
  );
  t.after(() => Promise.all(workers.map((worker) => worker.close())));
  const urls = workers.map(({ url }) => url);
  await using router = await testRouter(urls, [], { policy: 'consistent_hashing' });
  // One key: all go to one server, and so would their second attempts.
  const send = (text: string) =>
    fetch(`${router.url}/generate`, {
      method: 'POST',
      headers: { 'x-smg-routing-key': 'k' },
      body: `{"text":"${text}"}`,
    });
  const innocent = Array.from({ length: INNOCENT }, (_, n) => send(`fine ${n}`));
  await until(() => hadOne === INNOCENT);
  const bad = await send(POISON);
  assert.deepEqual(
    await Promise.all(innocent.map(async (answer) => (await answer).status)),
    new Array(INNOCENT).fill(200),
  );
  assert.deepEqual([bad.status, (await errorOf(bad)).code, poisoned.length], [502, 'worker_died', 2]);
});
