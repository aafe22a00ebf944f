import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Slots } from '../../src/state/slots.ts';
import { askCapacity } from '../../src/workers/capacity.ts';
import { Worker } from '../../src/workers/worker.ts';
import { fakeWorker } from '../helpers/fake-worker.ts';
import { startSim } from '../helpers/sim.ts';

async function ask(url: string): Promise<number> {
  const worker = new Worker(url, {}, new Slots(), { changed() {}, poll() {} }, 0);
  try {
    return await askCapacity(worker);
  } finally {
    await worker.client.destroy();
  }
}

/** A worker with these answers by path; 404 for any other. */
const answers = (byPath: Readonly<Record<string, string>>) =>
  fakeWorker((request, response) => {
    const text = byPath[request.url ?? ''];
    response.statusCode = text === undefined ? 404 : 200;
    response.end(text);
  });

test('asks an engine what its KV cache holds', async () => {
  await using engine = await startSim(['--max-total-tokens', '12345']);
  assert.equal(await ask(engine.url), 12_345);
});

test('the older name is tried too, and ranks add up', async () => {
  await using worker = await answers({ '/get_server_info': '{"max_total_num_tokens":1000,"dp_size":4}' });
  assert.equal(await ask(worker.url), 4000);
});

test('says what it got where that is no capacity', async () => {
  await using silent = await answers({});
  await assert.rejects(ask(silent.url), { message: '/server_info answered 404, /get_server_info answered 404' });
  await using odd = await answers({ '/server_info': 'hello', '/get_server_info': '{"max_total_num_tokens":"many"}' });
  await assert.rejects(ask(odd.url), /names no max_total_num_tokens/);
});
