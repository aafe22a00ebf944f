import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readProcessTableAtOnce } from '../../src/os/process-table.ts';
import { ask, coLauncher, READY, SIMULATED, sim } from '../helpers/co-launch.ts';
import { type Json, readEvents } from '../helpers/sim.ts';
import { gone, type Program } from '../launch/processes.ts';

const SIZES = ['--router-prefill-size', '2', '--router-decode-size', '2'];
const coLaunch = coLauncher(22_400, SIZES);
const lopsided = coLauncher(22_800, ['--router-prefill-size', '2', '--router-decode-size', '1']);

const workersOf = async (url: string): Promise<Json> => (await fetch(`${url}/workers`)).json();

/** Pids of the servers of a launch. */
const pidsOf = ({ pid: launcher }: Program): number[] =>
  (readProcessTableAtOnce() ?? []).filter(({ parent }) => parent === launcher).map(({ pid }) => pid);

/** The server that listens there. */
function pidAt(program: Program, url: string): number {
  const port = `--port\0${new URL(url).port}\0`;
  const pid = pidsOf(program).find((one) => readFileSync(`/proc/${one}/cmdline`, 'utf8').includes(port));
  assert.ok(pid, `nobody at ${url}`);
  return pid;
}

const post = (url: string, path: string, body: object) =>
  fetch(url + path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });

test('two prefill and two decode servers answer as pairs, and stop without leaving anything', async (t) => {
  const { program, url } = await coLaunch(t, sim(), SIMULATED);
  const [, json = ''] = await program.says(READY);
  assert.equal(JSON.parse(json).workers.length, 4);
  for (const name of ['prefill0', 'prefill1', 'decode0', 'decode1']) {
    assert.match(program.output, new RegExp(` ${name} is started on 127\\.0\\.0\\.1:\\d+`));
  }
  const { workers, stats } = await workersOf(url);
  assert.deepEqual(stats, { prefill_count: 2, decode_count: 2, regular_count: 0 });
  const ports = workers.map((worker: Json) => [worker.worker_type, worker.bootstrap_port]);
  const own = [...program.output.matchAll(/ prefill\d is started .* bootstrap port (\d+)/g)].map(([, port]) =>
    Number(port),
  );
  assert.equal(new Set(own).size, 2);
  assert.deepEqual(ports, [
    ['prefill', own[0]],
    ['prefill', own[1]],
    ['decode', undefined],
    ['decode', undefined],
  ]);
  const body = { text: ['one prompt', 'another'], sampling_params: { max_new_tokens: 4 } };
  const answers = (await (await post(url, '/generate', body)).json()) as Json[];
  assert.deepEqual(
    answers.map(({ meta_info: meta }) => meta.completion_tokens),
    [4, 4],
  );
  const messages = [{ role: 'user', content: 'hello' }];
  const chat = await post(url, '/v1/chat/completions', { model: 'm', messages, max_tokens: 3, stream: true });
  assert.equal((await readEvents(chat)).done, true);
  const pids = pidsOf(program);
  assert.equal(pids.length, 4);
  program.process.kill('SIGTERM');
  assert.deepEqual(await program.exited, [0, null]);
  await gone(...pids);
});

test('a server of either role that dies comes back in its role', async (t) => {
  const { program, url } = await coLaunch(t, sim(), SIMULATED);
  await program.says(READY);
  const { workers: before } = await workersOf(url);
  for (const [name, index] of [
    ['prefill0', 0],
    ['decode1', 3],
  ] as const) {
    process.kill(pidAt(program, before[index].url), 'SIGKILL');
    await program.says(new RegExp(`${name} \\S+ died: .*restart 1 of 5 in 1 s`));
    assert.equal((await ask(url)).status, 200);
    await program.says(new RegExp(`${name} is back: 4 of 4`));
  }
  const { workers: after } = await workersOf(url);
  const kept = (workers: Json[]) =>
    workers.map((one) => [one.url, one.worker_type, one.bootstrap_port, one.is_healthy]);
  assert.deepEqual(kept(after), kept(before));
  for (let count = 0; count < 4; count++) assert.equal((await ask(url)).status, 200);
});

test('a rolling restart takes the servers of a role in turn, and never the only one', async (t) => {
  const { program, url } = await lopsided(t, sim(), SIMULATED);
  await program.says(READY);
  let failures = 0;
  let over = false;
  const client = (async () => {
    while (!over) if ((await ask(url)).status !== 200) failures++;
  })();
  program.process.kill('SIGUSR2');
  await program.says(/no rolling restart of decode0: no other decode server is ready/);
  over = true;
  await client;
  assert.equal(failures, 0);
  assert.match(program.output, /rolling restart, 2 of 3: prefill1/);
  const { workers } = await workersOf(url);
  assert.ok(workers.every((worker: Json) => worker.is_healthy));
});

test('serving begins with one server of each role', async (t) => {
  const first = ['--router-serve-when', 'first', '--behave'];
  const { program } = await coLaunch(t, sim(...first, 'hang@1,hang@3'));
  const [, json = ''] = await program.says(READY);
  assert.equal(JSON.parse(json).workers.length, 2);
  const { program: other, url } = await coLaunch(t, sim(...first, 'hang@2,hang@3'));
  for (const name of ['prefill0', 'prefill1']) await other.says(new RegExp(` ${name} ready`));
  const readiness = await fetch(`${url}/readiness`);
  assert.equal(readiness.status, 503);
  assert.doesNotMatch(other.output, READY);
});

test('a role goes on with the servers it has; without any the launch ends', async (t) => {
  const { program, url } = await lopsided(t, sim('--router-worker-restarts', '0'));
  await program.says(READY);
  const { workers } = await workersOf(url);
  await fetch(`${workers[0].url}/die`).catch(() => {});
  await program.says(/it is not started again; 1 of 2 prefill servers go on/);
  await fetch(`${workers[2].url}/die`).catch(() => {});
  assert.deepEqual(await program.exited, [1, null]);
  assert.match(program.output, /^error: decode0 \S+ died: /m);
  await gone(...program.pids());
});
