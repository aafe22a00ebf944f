import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Config } from '../../../src/config/options.ts';
import { listen } from '../../../src/http/edge/http-server.ts';
import { createLog } from '../../../src/observe/log/log.ts';
import { Announcements } from '../../../src/scheduler/peers/announcements.ts';
import { chosenLine, GREETING, type Notice } from '../../../src/scheduler/peers/notice.ts';
import { Peer } from '../../../src/scheduler/peers/peer.ts';
import type { SharedChoice } from '../../../src/scheduler/policies/shared-choice.ts';
import { rawClient } from '../../helpers/raw-client.ts';
import { startSim } from '../../helpers/sim.ts';
import { spawnRouter } from '../../helpers/spawn-router.ts';
import { type TestRouter, testRouter, until } from '../../helpers/test-router.ts';

const CACHE_AWARE: Partial<Config> = { policy: 'cache_aware' };
const PROMPT_WORDS = 400;

const CHOICE: SharedChoice = {
  url: 'http://w',
  promptBytes: 3,
  hashes: new Int32Array([1, 2]),
  depths: [1],
  uncachedTokens: 1,
  streams: true,
  session: undefined,
};

const promptOf = (n: number) => `${n} begins `.padEnd(4 * PROMPT_WORDS, ` word${n}`);

async function generate(url: string, text: string, more: object = {}) {
  const response = await fetch(`${url}/generate`, {
    method: 'POST',
    headers: { 'x-sglang-router-explain': '1' },
    body: JSON.stringify({ text, sampling_params: { max_new_tokens: 2 }, ...more }),
  });
  const { scores } = JSON.parse(response.headers.get('x-sglang-router-explain') ?? '{}');
  return {
    response,
    worker: response.headers.get('x-sglang-router-worker'),
    matched: Number(response.headers.get('x-sglang-router-matched')),
    loads: (scores as { load: number }[]).map(({ load }) => load),
  };
}

/** Other routers that the router hears. */
async function heardBy({ url }: Pick<TestRouter, 'url'>): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^sgl_router_routers_heard (\d+)$/m.exec(text)?.[1]);
}

async function untilHeard(router: Pick<TestRouter, 'url'>, count: number): Promise<void> {
  while ((await heardBy(router)) !== count) await new Promise((resolve) => setTimeout(resolve, 5));
}

test('two routers choose as one: what was sent through one is cached where the other sends it', async () => {
  await using sims = new AsyncDisposableStack();
  const workers = await Promise.all(Array.from({ length: 4 }, async () => sims.use(await startSim()).url));
  await using here = await testRouter(workers, [], CACHE_AWARE);
  await using there = await spawnRouter(['--worker-urls', ...workers, '--peer-urls', here.url]);
  await here.router.followRouters(
    routersOf([here.url, there.url]),
    createLog('debug', (line) => here.lines.push(line)),
  );
  await Promise.all([untilHeard(here, 1), untilHeard(there, 1)]);

  const served = await Promise.all(
    Array.from({ length: 12 }, (_, n) => generate(n % 2 ? here.url : there.url, promptOf(n))),
  );
  assert.equal(new Set(served.map(({ worker }) => worker)).size, 4);
  for (const { response } of served) await response.text();
  for (const [n, first] of served.entries()) {
    const again = await generate(n % 2 ? there.url : here.url, `${promptOf(n)} and more`);
    await again.response.text();
    assert.equal(again.worker, first.worker);
    assert.ok(again.matched > 2 * PROMPT_WORDS, `${again.matched}`);
  }
  // This router stands in its own list, and that is no reason to complain.
  assert.ok(!here.lines.some((line) => line.includes('cannot be listened to')), here.lines.join('\n'));
});

test('what runs elsewhere counts; when that router dies it is forgotten, and when it is back it is heard again', async () => {
  await using sim = await startSim();
  await using here = await testRouter([sim.url], [], CACHE_AWARE);
  const there = await spawnRouter(['--worker-urls', sim.url]);
  const port = new URL(there.url).port;
  await here.router.followRouters(
    routersOf([there.url]),
    createLog('debug', (line) => here.lines.push(line)),
  );
  await untilHeard(here, 1);

  const running = await generate(there.url, 'a long answer', {
    stream: true,
    sampling_params: { max_new_tokens: 100_000, ignore_eos: true },
  });
  const beside = await generate(here.url, 'a short one');
  assert.deepEqual(beside.loads, [1]);
  await there[Symbol.asyncDispose]();
  await running.response.text().catch(() => {});
  await untilHeard(here, 0);
  assert.deepEqual((await generate(here.url, 'another')).loads, [0]);
  assert.ok(here.lines.some((line) => line.includes('another router cannot be listened to')));

  await using _again = await spawnRouter(['--worker-urls', sim.url, '--port', port]);
  await untilHeard(here, 1);
});

test('the key of the routers is needed to listen to them', async () => {
  await using sim = await startSim(['--api-key', 'secret']);
  await using router = await testRouter([sim.url], ['--api-key', 'secret'], CACHE_AWARE);
  assert.equal((await fetch(`${router.url}/router_choices`)).status, 401);
  await using other = await spawnRouter(['--worker-urls', sim.url, '--api-key', 'secret', '--peer-urls', router.url]);
  const headers = { authorization: 'Bearer secret' };
  for (;;) {
    const text = await (await fetch(`${other.url}/metrics`, { headers })).text();
    if (/^sgl_router_routers_heard 1$/m.test(text)) break;
  }
});

test('a router that does not read what it is told is cut off, and one that does goes on', async () => {
  const announcements = new Announcements();
  const log = createLog('error', () => {});
  const server = await listen('127.0.0.1', 0, async (_request, reply) => announcements.follow(reply), { log });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const clients = [await rawClient(url), await rawClient(url)] as const;
  for (const client of clients) {
    client.send('GET /router_choices HTTP/1.1\r\nhost: router\r\n\r\n');
    await client.until(new RegExp(GREETING));
  }
  const [slow, quick] = clients;
  slow.socket.pause();
  quick.socket.removeAllListeners('data').resume();
  const choice = { ...CHOICE, promptBytes: 2 ** 20, hashes: new Int32Array(8192) };
  for (let n = 0; n < 1000 && !slow.socket.destroyed; n++) {
    announcements.chosen(choice);
    await setImmediate();
    if (n === 900) slow.socket.resume();
  }
  await slow.closed();
  assert.equal(announcements.isHeard, true);
  quick.socket.destroy();
  await until(() => !announcements.isHeard);
  announcements.close();
  server.close();
});

test("where the admin routes have keys of their own, routers show each other an admin's", async () => {
  await using sim = await startSim();
  const keys = ['--control-plane-api-keys', 'u1:Uma:user:users-key', 'a1:Ada:admin:admins-key'];
  await using router = await testRouter([sim.url], keys, CACHE_AWARE);
  await using other = await spawnRouter(['--worker-urls', sim.url, ...keys]);
  await router.router.followRouters(
    routersOf([other.url]),
    createLog('debug', (line) => router.lines.push(line)),
  );
  await untilHeard(router, 1);
});

/** A server that says what `answer` says on every request for choices. */
async function telling(
  answer: (write: (text: string) => void, end: () => void) => void,
): Promise<Server & AsyncDisposable> {
  const server = createServer((_request, response) => {
    answer(
      (text) => void response.write(text),
      () => void response.end(),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(server, {
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  });
}

function listenTo(server: Server) {
  const heard: Notice[] = [];
  const lines: string[] = [];
  let lost = 0;
  const peer = new Peer(
    `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    { apiKey: undefined, tls: {} },
    { heard: (_peer, notice) => void heard.push(notice), lost: () => void lost++ },
    createLog('debug', (line) => lines.push(line)),
  );
  return { peer, heard, lines, lost: () => lost, [Symbol.dispose]: () => peer.close() };
}

test('notices are heard however they are cut into pieces', async () => {
  const text = `${GREETING}\n${chosenLine(1, CHOICE)}\np 1\n\ne 1 5\n`;
  await using server = await telling((write) => {
    let at = 0;
    const next = () => {
      if (at === text.length) return;
      write(text[at++] as string);
      void setImmediate().then(next);
    };
    next();
  });
  using listening = listenTo(server);
  await until(() => listening.heard.length === 3);
  assert.deepEqual(listening.heard, [
    { kind: 'chosen', number: 1, choice: CHOICE },
    { kind: 'computed', number: 1 },
    { kind: 'settled', number: 1, surplusTokens: 5 },
  ]);
});

test('a router that tells one number again and again adds no load for ever', async () => {
  await using sim = await startSim();
  await using here = await testRouter([sim.url], [], CACHE_AWARE);
  const end = Promise.withResolvers<void>();
  await using server = await telling((write, over) => {
    write(`${GREETING}\n${chosenLine(1, { ...CHOICE, url: sim.url }).repeat(3)}`);
    void end.promise.then(over);
  });
  await here.router.followRouters(
    routersOf([`http://127.0.0.1:${(server.address() as AddressInfo).port}`]),
    createLog('debug', (line) => here.lines.push(line)),
  );
  await untilHeard(here, 1);
  assert.deepEqual((await generate(here.url, 'one')).loads, [1]);
  end.resolve();
  await untilHeard(here, 0);
  assert.deepEqual((await generate(here.url, 'another')).loads, [0]);
});

const UNFIT: Readonly<Record<string, string>> = {
  'of another version': 'sglang-router choices 2\n',
  'that is no router': '<html>\n',
  'that breaks a line off': `${GREETING}\nc 1`,
  'that writes nonsense': `${GREETING}\nc 1 http://w many\n`,
  'that never ends a line': `${GREETING}\n${'x'.repeat(2 ** 19)}`,
};

for (const [what, text] of Object.entries(UNFIT)) {
  test(`a server ${what} is no harm: it is told once and asked again`, async () => {
    let asked = 0;
    await using server = await telling((write, end) => {
      asked++;
      write(text);
      if (what === 'that breaks a line off') end();
    });
    using listening = listenTo(server);
    await until(() => asked > 2);
    assert.ok(listening.lost() >= 2);
    assert.deepEqual(listening.heard, []);
    assert.equal(listening.peer.isHeard && !text.startsWith(GREETING), false);
    const warnings = listening.lines.filter((line) => line.includes('cannot be listened to'));
    assert.ok(text.startsWith(GREETING) ? warnings.length >= 1 : warnings.length === 1, listening.lines.join('\n'));
  });
}

/** What `followRouters` reads of the configuration. */
function routersOf(peerUrls: readonly string[]): Config {
  return { peerUrls, peerSelector: [], serviceDiscovery: false } as unknown as Config;
}
