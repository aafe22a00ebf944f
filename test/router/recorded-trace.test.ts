import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseTraceRow } from '../../src/observe/traffic/trace-row.ts';
import { startSim } from '../helpers/sim.ts';
import { spawnRouter } from '../helpers/spawn-router.ts';
import { testRouter, until } from '../helpers/test-router.ts';

const file = () => join(mkdtempSync(join(tmpdir(), 'trace-')), 'trace.jsonl');
const rowsIn = (path: string) => {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  return lines.map((line) => parseTraceRow(line) ?? assert.fail(line));
};

async function chat(url: string, messages: readonly string[], more: object = {}): Promise<string> {
  const roles = ['system', 'user', 'assistant', 'user'];
  const answer = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({
      messages: messages.map((content, i) => ({ role: roles[i], content })),
      max_tokens: 6,
      ...more,
    }),
  });
  return await answer.text();
}

const SYSTEM = 'You are of little help. '.repeat(200);

test('a conversation with a policy that reads no prompt: rows with the lengths that answers tell, and who goes on', async () => {
  const path = file();
  await using sim = await startSim(['--enable-cache-report']);
  {
    await using running = await testRouter([sim.url], ['--record-trace', path]);
    const { choices } = JSON.parse(await chat(running.url, [SYSTEM, 'And who are you?']));
    const { content } = choices[0].message;
    await chat(running.url, [SYSTEM, 'And who are you?', content, 'Go on.'], {
      stream: true,
      stream_options: { include_usage: true },
    });
    await chat(running.url, [SYSTEM, 'Somebody else asks.'], { stream: true });
    await fetch(`${running.url}/v1/models`);
    await chat(running.url, [], { messages: 7 });
    await until(() => running.records.length === 5);
  }
  const [first, second, third, ...others] = rowsIn(path);
  assert.ok(first && second && third);
  assert.deepEqual(others, []);
  assert.deepEqual([first.status, first.output_length, first.ttft], [200, 6, undefined]);
  assert.equal(first.cached_length, 0);
  assert.ok(first.input_length > 1_400 && first.input_length < 1_420, `${first.input_length}`);
  assert.deepEqual([second.parent, second.continues, second.output_length], [first.id, true, 6]);
  assert.ok((second.cached_length ?? 0) > 1_200 && (second.ttft ?? -1) >= 0);
  // It does not tell its tokens.
  assert.deepEqual([third.parent, third.continues], [second.id, undefined]);
  assert.ok(third.input_length > 1_200 && third.input_length < 1_600, `${third.input_length}`);
  assert.ok(third.output_length >= 1 && third.output_length <= 12, `${third.output_length}`);
  assert.ok((third.shared_length ?? 0) > 1_100, `${third.shared_length}`);
  const trace = readFileSync(path, 'utf8');
  for (const text of ['little help', 'who are you', 'Somebody', 'Go on', sim.url, 'chat'])
    assert.ok(!trace.includes(text), text);
});

test('with several data threads conversations are told apart just so', async () => {
  const path = file();
  await using sim = await startSim(['--enable-cache-report']);
  {
    await using running = await testRouter([sim.url], ['--record-trace', path, '--data-threads', '2']);
    await Promise.all(['a', 'b', 'c', 'd'].map((who) => chat(running.url, [SYSTEM, `I am ${who}.`])));
    await Promise.all(
      ['a', 'b', 'c', 'd'].map((who) => chat(running.url, [SYSTEM, `I am ${who}.`, 'Hello.', 'Go on.'])),
    );
    await until(() => running.records.length === 8);
  }
  const rows = rowsIn(path).toSorted((a, b) => (a.id ?? 0) - (b.id ?? 0));
  assert.deepEqual(
    rows.map(({ status, output_length: output, continues }) => [status, output, continues]),
    [...new Array(4).fill([200, 6, undefined]), ...new Array(4).fill([200, 6, true])],
  );
  assert.deepEqual(new Set(rows.slice(4).map(({ parent }) => parent)), new Set([1, 2, 3, 4]));
});

test('what was recorded and left out are metrics; without the flag nothing is read', async () => {
  await using sim = await startSim();
  const path = file();
  await using running = await testRouter([sim.url], ['--record-trace', path]);
  await chat(running.url, [SYSTEM]);
  let metrics = '';
  while (!metrics.includes('sgl_router_trace_requests_total{result="written"} 1')) {
    metrics = await (await fetch(`${running.url}/metrics`)).text();
  }
  await using other = await testRouter([sim.url]);
  await chat(other.url, [SYSTEM]);
  await until(() => other.records.length === 1);
  assert.deepEqual(
    other.records.map(({ marks }) => marks),
    [undefined],
  );
});

test('a router that is told to end writes what it has, and another one puts that aside', async () => {
  await using sim = await startSim();
  const path = file();
  for (const _ of [1, 2]) {
    const router = await spawnRouter(['--worker-urls', sim.url, '--record-trace', path]);
    await chat(router.url, [SYSTEM]);
    router.child.kill('SIGTERM');
    assert.deepEqual(await router.exited, { code: 0, signal: null });
    assert.match(router.lines.join('\n'), /trace recorded.*written.*1/);
  }
  assert.deepEqual([rowsIn(path).length, rowsIn(`${path}.1`).length], [1, 1]);
});

test('a file that is no trace is refused at start, and left as it is', async () => {
  const path = file();
  writeFileSync(path, 'my thesis\n');
  await assert.rejects(spawnRouter(['--record-trace', path]), /ended with 2.*a file is there that is no trace/s);
  assert.equal(readFileSync(path, 'utf8'), 'my thesis\n');
});
