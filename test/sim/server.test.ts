import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { type Json, startSim } from '../helpers/sim.ts';

test('an unknown path is 404, a wrong method 405 with the right ones', async () => {
  await using sim = await startSim();
  const unknown = await sim.get('/nope');
  assert.equal(unknown.status, 404);
  assert.deepEqual(await unknown.json(), { detail: 'Not Found' });
  const wrong = await sim.get('/generate');
  assert.equal(wrong.status, 405);
  assert.equal(wrong.headers.get('allow'), 'POST, PUT');
});

test('with a key everything but health and metrics needs it', async () => {
  await using sim = await startSim(['--api-key', 'secret', '--enable-metrics']);
  const refused = await sim.get('/v1/models');
  assert.equal(refused.status, 401);
  assert.deepEqual(await refused.json(), { error: 'Unauthorized' });
  assert.equal(refused.headers.get('vary'), null);
  assert.equal((await sim.get('/v1/models', { headers: { authorization: 'Bearer wrong' } })).status, 401);
  assert.equal((await sim.get('/v1/models', { headers: { authorization: 'Bearer secret' } })).status, 200);
  for (const path of ['/health', '/ready', '/metrics']) assert.equal((await sim.get(path)).status, 200, path);
});

test('answers carry no keep-alive headers, and the connection is kept all the same', async () => {
  await using sim = await startSim();
  const socket = connect(Number(new URL(sim.url).port), '127.0.0.1');
  const get = async () => {
    socket.write('GET /health HTTP/1.1\r\nhost: x\r\n\r\n');
    return String((await once(socket, 'data'))[0]);
  };
  for (const answer of [await get(), await get()]) {
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
    assert.doesNotMatch(answer, /keep-alive|connection/i);
  }
  socket.destroy();
});

test('a stream is chunked as HTTP has it', async () => {
  await using sim = await startSim();
  const socket = connect(Number(new URL(sim.url).port), '127.0.0.1');
  const body = JSON.stringify({ text: 'x', stream: true, sampling_params: { max_new_tokens: 2 } });
  socket.write(`POST /generate HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  let text = '';
  while (!text.endsWith('\r\n0\r\n\r\n')) text += String((await once(socket, 'data'))[0]);
  assert.match(text, /transfer-encoding: chunked\r\n/);
  const [, chunks = ''] = text.split(/\r\n\r\n(.*)/s);
  let rest = chunks;
  let whole = '';
  for (let size = Number.parseInt(rest, 16); size > 0; size = Number.parseInt(rest, 16)) {
    const start = rest.indexOf('\r\n') + 2;
    whole += rest.slice(start, start + size);
    rest = rest.slice(start + size + 2);
  }
  assert.equal(rest, '0\r\n\r\n');
  assert.equal(whole.endsWith('data: [DONE]\n\n'), true);
  socket.destroy();
});

test('the first inference requests fail as told, other requests do not', async () => {
  await using sim = await startSim(['--sim-fail-first', '2', '--sim-fail-status', '503']);
  assert.equal((await sim.get('/v1/models')).status, 200);
  const generate = () => sim.post('/generate', { text: 'x', sampling_params: { max_new_tokens: 1 } });
  const chat = { model: 'x', messages: [{ role: 'user', content: 'x' }], max_tokens: 1 };
  const failed = await generate();
  assert.equal(failed.status, 503);
  assert.match(((await failed.json()) as Json).error.message, /simulated/);
  assert.equal(((await (await sim.post('/v1/chat/completions', chat)).json()) as Json).object, 'error');
  assert.equal((await generate()).status, 200);
});

test('a hanging engine accepts and stays silent; its health too where told', async () => {
  await using sim = await startSim(['--sim-hang-after', '1', '--sim-hang-health']);
  const body = { text: 'x', sampling_params: { max_new_tokens: 1 } };
  assert.equal((await sim.post('/generate', body)).status, 200);
  assert.equal((await sim.get('/health')).status, 200);
  const patience = { signal: AbortSignal.timeout(200) };
  await assert.rejects(sim.post('/generate', body, patience), { name: 'TimeoutError' });
  await assert.rejects(sim.get('/health', { signal: AbortSignal.timeout(200) }), { name: 'TimeoutError' });
  assert.equal((await sim.get('/v1/models')).status, 200);
});

test('a stream is cut after as many tokens as told', async () => {
  await using sim = await startSim(['--sim-cut-after-tokens', '3', '--sim-decode-base-ms', '20']);
  const body = { text: 'x', stream: true, sampling_params: { max_new_tokens: 10 } };
  const response = await sim.post('/generate', body);
  let text = '';
  await assert.rejects(async () => {
    for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString();
  });
  assert.match(text, /"completion_tokens":2,/);
  assert.doesNotMatch(text, /"completion_tokens":4,/);
  const load = async () => ((await (await sim.get('/v1/loads')).json()) as Json).loads[0].num_running_reqs;
  while ((await load()) > 0);
});

test('an engine told to die does so on that request', async () => {
  await using sim = await startSim(['--sim-die-on-request', '2']);
  const body = { text: 'x', sampling_params: { max_new_tokens: 1 } };
  assert.equal((await sim.post('/generate', body)).status, 200);
  const gone = new AbortController();
  const second = sim.post('/generate', body, { signal: gone.signal }).catch(() => {});
  await sim.died;
  gone.abort();
  await second;
});

test('a silent rank takes requests and answers none; the others serve', async () => {
  await using sim = await startSim(['--dp-size', '2', '--sim-silent-rank', '1']);
  const ask = (rank: number, init = {}) =>
    sim.post('/generate', { text: 'x', routed_dp_rank: rank, sampling_params: { max_new_tokens: 1 } }, init);
  const gone = new AbortController();
  const silent = ask(1, { signal: gone.signal }).catch(() => 'gone');
  const loads = async () => {
    const { loads: ranks } = (await (await sim.get('/v1/loads')).json()) as Json;
    return ranks.map((load: Json) => load.num_waiting_reqs + load.num_running_reqs);
  };
  while ((await loads())[1] === 0);
  assert.equal((await ask(0)).status, 200);
  assert.equal((await sim.get('/health')).status, 200);
  assert.deepEqual(await loads(), [0, 1]);
  gone.abort();
  assert.equal(await silent, 'gone');
});
