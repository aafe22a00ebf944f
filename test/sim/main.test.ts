import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spawnSim } from '../helpers/spawn-sim.ts';

const READY = /The server is fired up and ready to roll!/;

test('a process goes through the phases of a real server and serves', async () => {
  await using sim = spawnSim(['--tp', '2', '--trust-remote-code', '--mem-fraction-static=0.8']);
  await sim.line(READY);
  const order = [
    /no effect on a simulated engine: --tp 2, --trust-remote-code, --mem-fraction-static=0\.8$/,
    /Load weight begin\./,
    /Load weight end\./,
    /KV Cache is allocated\..*#tokens: 524288/,
    /Memory pool end\./,
    /Capture decode CUDA graph begin\./,
    /Capture decode CUDA graph end\./,
    /max_total_num_tokens=524288, /,
    /Uvicorn running on http:\/\/127\.0\.0\.1:\d+ \(Press CTRL\+C to quit\)/,
    READY,
  ].map((pattern) => sim.lines.findIndex((line) => pattern.test(line)));
  assert.ok(
    order.every((at) => at >= 0),
    sim.lines.join('\n'),
  );
  assert.deepEqual(
    order,
    order.toSorted((a, b) => a - b),
  );
  assert.match(sim.lines[0] as string, /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] /);
  assert.equal((await fetch(`${await sim.url()}/health`)).status, 200);
});

test('health is 503 while the server warms up', async () => {
  await using sim = spawnSim(['--sim-startup-phases', 'warm-up=2']);
  const url = await sim.url();
  assert.equal((await fetch(`${url}/health`)).status, 503);
  await sim.line(READY);
  assert.equal((await fetch(`${url}/health`)).status, 200);
});

test('a taken port ends the process with the line of uvicorn', async () => {
  await using first = spawnSim();
  const { port } = new URL(await first.url());
  await using second = spawnSim(['--port', port]);
  assert.deepEqual(await second.exited, { code: 1, signal: null });
  const expected = `[Errno 98] error while attempting to bind on address ('127.0.0.1', ${port}): address already in use`;
  assert.ok((await second.line(/Errno/)).endsWith(expected), second.lines.join('\n'));
});

test('a start-up told to fail names the cause and exits with 1', async () => {
  await using sim = spawnSim(['--sim-startup-fail', 'kv-cache']);
  assert.deepEqual(await sim.exited, { code: 1, signal: null });
  await sim.line(/torch\.OutOfMemoryError: CUDA out of memory/);
  assert.equal(
    sim.lines.some((line) => /Uvicorn/.test(line)),
    false,
  );
});

test('SIGTERM lets requests under way finish', async () => {
  await using sim = spawnSim(['--sim-decode-base-ms', '20']);
  const url = await sim.url();
  await sim.line(READY);
  const body = JSON.stringify({ text: 'x', stream: true, sampling_params: { max_new_tokens: 20 } });
  const response = await fetch(`${url}/generate`, { method: 'POST', body });
  sim.child.kill('SIGTERM');
  assert.match(await response.text(), /"completion_tokens":20,.*\n\ndata: \[DONE\]\n\n$/s);
  assert.deepEqual(await sim.exited, { code: 0, signal: null });
});

test('with --exit-with-parent it ends when standard input closes, otherwise not', async () => {
  await using bound = spawnSim(['--exit-with-parent']);
  await using free = spawnSim();
  await Promise.all([bound.line(READY), free.line(READY)]);
  bound.child.stdin?.end();
  free.child.stdin?.end();
  assert.deepEqual(await bound.exited, { code: 0, signal: null });
  assert.equal((await fetch(`${await free.url()}/health`)).status, 200);
});

test('it ends with its parent even while it starts', async () => {
  await using sim = spawnSim(['--exit-with-parent', '--sim-startup-secs', '600']);
  await sim.line(/Load weight begin/);
  sim.child.stdin?.end();
  assert.deepEqual(await sim.exited, { code: 0, signal: null });
});

test('an engine told to die takes the connection with it', async () => {
  await using sim = spawnSim(['--sim-die-on-request', '1']);
  const url = await sim.url();
  const body = JSON.stringify({ text: 'x' });
  await assert.rejects(fetch(`${url}/generate`, { method: 'POST', body }));
  assert.deepEqual(await sim.exited, { code: 1, signal: null });
});
