import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordingWorker } from '../helpers/recording-worker.ts';
import { testRouter } from '../helpers/test-router.ts';

const KEY = 'the-secret-of-the-router';
const WRONG = 'a-wrong-secret-of-a-client';

const ADMIN: readonly (readonly [method: string, path: string])[] = [
  ['POST', '/add_worker?url=nonsense'],
  ['POST', '/remove_worker?url=http://127.0.0.1:1'],
  ['GET', '/list_workers'],
  ['GET', '/workers'],
  ['POST', '/workers'],
  ['DELETE', '/workers/http%3A%2F%2F127.0.0.1%3A1'],
];
const INFERENCE: readonly (readonly [method: string, path: string])[] = [
  ['POST', '/generate'],
  ['POST', '/v1/chat/completions'],
  ['GET', '/get_server_info'],
  ['POST', '/any/other'],
];

test('(47) without the key nothing is served, changed or told', async () => {
  await using worker = await recordingWorker();
  await using router = await testRouter([worker.url], ['--api-key', KEY]);
  const attempts = [undefined, WRONG, KEY.slice(0, -1), `${KEY}x`, KEY.toUpperCase(), ''];
  for (const [method, path] of [...ADMIN, ...INFERENCE]) {
    for (const key of attempts) {
      const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
      const answer = await fetch(router.url + path, { method, headers });
      assert.equal(answer.status, 401, `${method} ${path} with ${key}`);
      assert.ok(!(await answer.text()).includes(worker.url));
    }
  }
  assert.deepEqual(
    router.router.registry.workers.map(({ url }) => url),
    [worker.url],
  );
  assert.equal(worker.total, 0);
});

test('(47) keys are in no log line and no answer', async () => {
  await using worker = await recordingWorker();
  await using router = await testRouter([worker.url], ['--api-key', KEY]);
  const texts: string[] = [];
  for (const key of [KEY, WRONG]) {
    for (const [method, path] of [...ADMIN, ...INFERENCE]) {
      const answer = await fetch(router.url + path, { method, headers: { authorization: `Bearer ${key}` } });
      texts.push(await answer.text(), JSON.stringify([...answer.headers]));
    }
  }
  const said = texts.join('\n');
  const lines = [...router.lines, ...router.records.map((record) => JSON.stringify(record))].join('\n');
  for (const secret of [KEY, WRONG]) {
    assert.ok(!lines.includes(secret), 'in a log line');
    assert.ok(!JSON.stringify(router.records).includes(secret), 'in an access line');
    assert.ok(!said.includes(secret), 'in an answer');
  }
  assert.ok(
    router.records.some(({ path }) => path === '/generate'),
    'requests are logged',
  );
});
