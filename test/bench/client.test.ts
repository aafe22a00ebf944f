import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { type Answer, Client } from '../../src/bench/client.ts';
import type { Api } from '../../src/bench/workloads/workload.ts';
import { startSim } from '../helpers/sim.ts';

const PROMPT = [
  { role: 'system', text: ` bad${' bad'.repeat(99)}` },
  { role: 'user', text: ' lot' },
] as const;

async function ask(url: string, api: Api, timeoutMs = 10_000): Promise<Answer> {
  const client = new Client({ urls: [url], model: 'simulated', apiKey: undefined, timeoutMs });
  try {
    return await client.ask(api, PROMPT, 5);
  } finally {
    client.close();
  }
}

async function askServer(answer: (response: ServerResponse) => void, timeoutMs?: number): Promise<Answer> {
  const server = createServer((_request, response) => answer(response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await ask(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'generate', timeoutMs);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('several servers are asked in turn', async () => {
  const asked: string[] = [];
  const listening = async (name: string) => {
    const server = createServer((_request, response) => {
      asked.push(name);
      response.end('data: {"text":" a"}\n\ndata: [DONE]\n\n');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  };
  const [a, b] = [await listening('a'), await listening('b')];
  const client = new Client({ urls: [a.url, b.url], model: 'simulated', apiKey: undefined, timeoutMs: 10_000 });
  for (let n = 0; n < 4; n++) assert.equal((await client.ask('generate', PROMPT, 5)).error, undefined);
  assert.deepEqual(asked, ['a', 'b', 'a', 'b']);
  client.close();
  for (const { server } of [a, b]) server.close();
});

test('tokens, cached tokens, times and text of an answer, in both APIs', async () => {
  await using sim = await startSim(['--enable-cache-report']);
  for (const api of ['generate', 'chat'] as const) {
    const first = await ask(sim.url, api);
    assert.equal(first.error, undefined);
    assert.equal(first.outputTokens, 5);
    assert.match(first.text, /^( \w{3}\.?){5}$/);
    assert.ok(first.sentMs <= (first.firstMs ?? 0) && (first.firstMs ?? 0) <= first.endMs);
    assert.ok(first.gapsMs.length <= 4, `${first.gapsMs.length} times between 5 tokens`);
    const gapsMs = first.gapsMs.reduce((sum, gap) => sum + gap, 0);
    assert.ok(gapsMs >= 0 && gapsMs <= first.endMs - (first.firstMs ?? 0) + 0.001, `${gapsMs}`);
    const second = await ask(sim.url, api);
    assert.ok((second.promptTokens ?? 0) >= 101);
    assert.equal(second.cachedTokens, 96);
  }
});

test("the router's headers: who served, and what it expected in the cache", async () => {
  const answer = await askServer((response) => {
    response.setHeader('x-sglang-router-worker', 'w1');
    response.setHeader('x-sglang-router-matched', '202');
    response.end('data: {"text":" a","meta_info":{"completion_tokens":1}}\n\ndata: [DONE]\n\n');
  });
  assert.equal(answer.worker, 'w1');
  assert.equal(answer.predictedShare, 0.5);
});

test('what does not count says why', async () => {
  const refused = await askServer((response) => response.writeHead(503).end('no workers'));
  assert.equal(refused.error, 'HTTP 503: no workers');
  const cut = await askServer((response) => response.end('data: {"text":" a"}\n\n'));
  assert.equal(cut.error, 'stream ended early');
  const told = await askServer((response) => response.end('data: {"error":{"code":7}}\n\ndata: [DONE]\n\n'));
  assert.equal(told.error, '{"code":7}');
  const broken = await askServer((response) => {
    response.write('data: {"text":" a"}\n\n');
    setImmediate(() => response.destroy());
  });
  assert.equal(broken.error, 'ECONNRESET');
  const silent = await askServer(() => {}, 50);
  assert.equal(silent.error, 'timeout');
  assert.equal((await ask('http://127.0.0.1:1', 'generate')).error, 'ECONNREFUSED');
});

test('what is under way when the client closes is not sent again', async () => {
  let asked = 0;
  const server = createServer((_request, response) => {
    if (++asked === 1) response.end('data: {"text":" a"}\n\ndata: [DONE]\n\n');
    else server.emit('second');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = new Client({ urls: [url], model: 'simulated', apiKey: undefined, timeoutMs: 10_000 });
  await client.ask('generate', PROMPT, 5);
  const second = client.ask('generate', PROMPT, 5);
  await once(server, 'second');
  client.close();
  assert.equal((await second).error, 'ECONNRESET');
  assert.equal(asked, 2);
  server.close();
});
