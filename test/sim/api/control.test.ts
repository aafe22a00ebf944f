import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Json, readEvents, startSim } from '../../helpers/sim.ts';

const SLOW = ['--sim-decode-base-ms', '20'];
const LONG = { text: 'x', sampling_params: { max_new_tokens: 10_000 } };

test('health endpoints answer empty', async () => {
  await using sim = await startSim();
  for (const path of ['/health', '/health_generate', '/ready', '/ping']) {
    const response = await sim.get(path);
    assert.equal(response.status, 200, path);
    assert.equal(await response.text(), '', path);
  }
});

test('/abort_request ends a request by the start of its id, and says so in the answer', async () => {
  await using sim = await startSim(SLOW);
  const stream = readEvents(await sim.post('/generate', { ...LONG, rid: 'mine-1', stream: true }));
  const whole = sim.post('/generate', { ...LONG, rid: 'mine-2' });
  const other = await sim.post('/generate', { ...LONG, rid: 'other', stream: true });
  while (((await (await sim.get('/v1/loads')).json()) as Json).loads[0].num_running_reqs < 3);
  assert.equal((await sim.post('/abort_request', { rid: 'mine' })).status, 200);
  const reason = { type: 'abort', message: 'Aborted', status_code: null, err_type: null };
  const { events, done } = await stream;
  assert.equal(done, true);
  assert.deepEqual(events.at(-1).meta_info.finish_reason, reason);
  assert.deepEqual(((await (await whole).json()) as Json).meta_info.finish_reason, reason);
  await sim.post('/abort_request', { abort_all: true });
  assert.equal((await readEvents(other)).done, true);
  assert.equal((await sim.post('/abort_request', { rid: 'unknown' })).status, 200);
});

test('/flush_cache empties the cache, but not while requests run', async () => {
  await using sim = await startSim([...SLOW, '--page-size', '1']);
  const ask = async () => {
    const response = await sim.post('/generate', { text: 'some words', sampling_params: { max_new_tokens: 1 } });
    return ((await response.json()) as Json).meta_info.cached_tokens;
  };
  await ask();
  assert.notEqual(await ask(), 0);
  const flushed = await sim.post('/flush_cache', '');
  assert.equal(flushed.status, 200);
  assert.equal(flushed.headers.get('content-type'), null);
  assert.match(await flushed.text(), /^Cache flushed\.\n/);
  assert.equal(await ask(), 0);
  assert.equal((await sim.get('/flush_cache')).status, 200);
  const running = await sim.post('/generate', { ...LONG, stream: true });
  assert.equal((await sim.post('/flush_cache', '')).status, 400);
  await running.body?.cancel();
});
