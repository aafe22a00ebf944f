import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { Check, Errors } from 'typebox/value';
import { readFeed } from '../../src/dashboard/read-feed.ts';
import { SNAPSHOT, type Snapshot } from '../../src/dashboard/snapshot.ts';
import { fakeWorker } from '../helpers/fake-worker.ts';
import { startSim } from '../helpers/sim.ts';
import { testRouter, until } from '../helpers/test-router.ts';

const KEY = 'a-key-of-the-router';
const bearer = { authorization: `Bearer ${KEY}` };
const json = { 'content-type': 'application/json' };
const WORDS = 'this prompt must not be seen';

const post = (url: string, fields: object, headers: Record<string, string> = {}) =>
  fetch(url, { method: 'POST', body: JSON.stringify(fields), headers: { ...json, ...headers } });

const ask = (url: string, headers: Record<string, string> = {}) =>
  post(`${url}/generate`, { text: WORDS.repeat(20), sampling_params: { max_new_tokens: 4 } }, headers);

async function snapshotOf(url: string, headers: Record<string, string> = {}): Promise<Snapshot> {
  const response = await fetch(`${url}/dashboard/snapshot`, { headers });
  assert.equal(response.status, 200);
  return (await response.json()) as Snapshot;
}

test('the page and its files come from the router, with a policy that lets nothing in from elsewhere', async () => {
  await using router = await testRouter([]);
  const page = await fetch(`${router.url}/dashboard`);
  assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
  assert.match(
    page.headers.get('content-security-policy') ?? '',
    /default-src 'none'; script-src 'self'; .*frame-ancestors 'none'/,
  );
  const html = await page.text();
  assert.doesNotMatch(html, /(?:href|src)="\w+:|<script(?! type="module" src="dashboard\/page.js">)|\son\w+=|\sstyle=/);
  for (const [, file] of html.matchAll(/(?:href|src)="([^"]+)"/g)) {
    const answer = await fetch(`${router.url}/${file}`);
    assert.equal(answer.status, 200, file);
    const again = await fetch(`${router.url}/${file}`, {
      headers: { 'if-none-match': answer.headers.get('etag') ?? '' },
    });
    assert.deepEqual([again.status, await again.text()], [304, ''], file);
  }
  assert.equal((await fetch(`${router.url}/dashboard/other.js`)).status, 404);
  assert.equal((await fetch(`${router.url}/dashboard/`)).url, `${router.url}/dashboard`);
});

test('browsers are sent from / to the dashboard; all others get what they always got', async () => {
  await using router = await testRouter([]);
  const browser = await fetch(router.url, {
    headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' },
    redirect: 'manual',
  });
  assert.deepEqual([browser.status, browser.headers.get('location')], [302, 'dashboard']);
  for (const accept of ['*/*', 'application/json']) {
    const other = await fetch(router.url, { headers: { accept } });
    assert.equal(((await other.json()) as { name: string }).name, 'sglang-router');
  }
});

test('a snapshot is as its schema has it, and tells of workers, traffic and decisions, but of no prompt', async () => {
  await using sim = await startSim();
  await using router = await testRouter([sim.url], [], { policy: 'cache_aware' });
  assert.equal((await ask(router.url)).status, 200);
  const feed = await fetch(`${router.url}/dashboard/feed`);
  const snapshots = readFeed(feed.body!);
  const { value: first } = await snapshots.next();
  assert.deepEqual(first.lastSecond, null);
  assert.equal((await ask(router.url)).status, 200);
  await until(() => router.records.filter(({ route }) => route === '/generate').length === 2);
  const { value: second } = await snapshots.next();
  await snapshots.return(undefined);
  const snapshot = second as Snapshot;
  assert.deepEqual([...Errors(SNAPSHOT, snapshot)], []);
  assert.ok(Check(SNAPSHOT, await snapshotOf(router.url)));
  assert.equal(snapshot.router.state, 'serving');
  const [worker] = snapshot.workers;
  assert.deepEqual([worker?.url, worker?.state, worker?.available], [sim.url, 'ready', true]);
  assert.ok(worker?.kvUse !== null && worker?.queued === 0);
  const [decision] = snapshot.decisions;
  assert.equal(snapshot.decisions.length, 1);
  assert.deepEqual([decision?.worker, decision?.policy, decision?.status], [sim.url, 'cache_aware', 200]);
  assert.ok((decision?.predictedHit ?? 0) > 0.9);
  assert.equal(decision?.scores[0]?.worker, sim.url);
  assert.ok((snapshot.lastSecond?.requestsPerSec ?? 0) > 0);
  assert.ok(snapshot.lastSecond?.latencyMs.p50);
  assert.doesNotMatch(JSON.stringify(snapshot), /prompt must/);
});

test('while nobody looks nothing is asked of workers and no decision is kept', async () => {
  const load = { dp_rank: 0, num_running_reqs: 1, num_waiting_reqs: 2, num_used_tokens: 30, max_total_num_tokens: 120 };
  await using worker = await fakeWorker((_, response) => void response.end(JSON.stringify({ loads: [load] })));
  await using router = await testRouter([worker.url]);
  const asked = () => worker.seen.filter((line) => line.includes('/v1/loads')).length;
  await ask(router.url);
  assert.equal(asked(), 0);
  const { decisions, workers } = await snapshotOf(router.url);
  assert.deepEqual(decisions, []);
  assert.deepEqual([workers[0]?.running, workers[0]?.queued, workers[0]?.kvUse], [1, 2, 0.25]);
  const before = asked();
  assert.ok(before > 0);
  const feed = await fetch(`${router.url}/dashboard/feed`);
  const snapshots = readFeed(feed.body!);
  await snapshots.next();
  await until(() => asked() > before);
  await snapshots.return(undefined);
  await until(() => router.records.some(({ route }) => route === '/dashboard/feed'));
  const atEnd = asked();
  await ask(router.url);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  assert.equal(asked(), atEnd);
});

test('without the key nothing is shown and nothing is done', async () => {
  await using sim = await startSim();
  await using router = await testRouter([sim.url], [], { apiKey: KEY });
  const [worker] = (await snapshotOf(router.url, bearer)).workers;
  for (const headers of [{}, { authorization: 'Bearer wrong' }, { cookie: 'sglang_router_session_0=x' }]) {
    for (const path of ['feed', 'snapshot']) {
      const answer = await fetch(`${router.url}/dashboard/${path}`, { headers });
      assert.equal(answer.status, 401);
      assert.doesNotMatch(await answer.text(), new RegExp(sim.url));
    }
    for (const action of ['add', 'drain', 'remove', 'flush', 'restart']) {
      const answer = await post(
        `${router.url}/dashboard/actions`,
        { action, worker: worker?.id, url: sim.url },
        headers,
      );
      assert.equal(answer.status, 401, action);
    }
  }
  // The key in a URL is no key.
  assert.equal((await fetch(`${router.url}/dashboard/feed?key=${KEY}&api_key=${KEY}`)).status, 401);
  assert.equal(router.router.registry.workers.length, 1);
});

test('who signs in with the key gets a session, good for the dashboard alone, which ends when they sign out', async () => {
  await using router = await testRouter([], [], { apiKey: KEY });
  const own = { origin: router.url };
  assert.equal((await post(`${router.url}/dashboard/sign-in`, { key: 'wrong' }, own)).status, 401);
  assert.equal((await post(`${router.url}/dashboard/sign-in`, {}, own)).status, 422);
  const signedIn = await post(`${router.url}/dashboard/sign-in`, { key: KEY }, own);
  assert.equal(signedIn.status, 200);
  const setCookie = signedIn.headers.get('set-cookie') ?? '';
  assert.match(setCookie, /; HttpOnly; SameSite=Strict; /);
  assert.doesNotMatch(setCookie, new RegExp(KEY));
  const cookie = setCookie.split(';', 1)[0]!;
  await snapshotOf(router.url, { cookie });
  assert.equal((await fetch(`${router.url}/workers`, { headers: { cookie } })).status, 401);
  const feed = await fetch(`${router.url}/dashboard/feed`, { headers: { cookie } });
  const snapshots = readFeed(feed.body!);
  assert.equal((await snapshots.next()).done, false);
  const signedOut = await post(`${router.url}/dashboard/sign-out`, {}, { ...own, cookie });
  assert.match(signedOut.headers.get('set-cookie') ?? '', /Max-Age=0/);
  assert.equal((await snapshots.next()).done, true);
  assert.equal((await fetch(`${router.url}/dashboard/snapshot`, { headers: { cookie } })).status, 401);
  assert.doesNotMatch(router.lines.join('\n'), new RegExp(KEY));
});

test('a key of the control plane is needed where there are such keys, and an admin’s', async () => {
  const controlPlaneApiKeys = [
    { id: 'a', name: 'a', key: 'admins-own-key', role: 'admin' },
    { id: 'u', name: 'u', key: 'users-own-key', role: 'user' },
  ] as const;
  await using router = await testRouter([], [], { apiKey: KEY, controlPlaneApiKeys } as object);
  const statuses = ['admins-own-key', 'users-own-key', KEY].map(
    async (key) => (await post(`${router.url}/dashboard/sign-in`, { key })).status,
  );
  assert.deepEqual(await Promise.all(statuses), [200, 403, 401]);
});

test('workers are added, drained and removed, and caches flushed, as somebody who looks asks for it', async () => {
  await using one = await startSim();
  await using two = await startSim();
  await using router = await testRouter([one.url]);
  const { registry } = router.router;
  const act = async (fields: object) => {
    const answer = await post(`${router.url}/dashboard/actions`, fields);
    return [answer.status, await answer.text()] as const;
  };
  assert.equal((await act({ action: 'add', url: two.url }))[0], 200);
  while (registry.available().length < 2) await once(registry, 'change');
  assert.match((await act({ action: 'flush' }))[1], /caches of 2 workers/);
  const [first, second] = registry.workers;
  assert.match((await act({ action: 'flush', worker: first?.id }))[1], /caches of 1 worker/);
  assert.equal((await act({ action: 'drain', worker: first?.id }))[0], 200);
  assert.deepEqual(registry.workers, [second]);
  assert.equal((await act({ action: 'drain', worker: first?.id }))[0], 404);
  assert.equal((await act({ action: 'remove', worker: second?.id }))[0], 200);
  assert.deepEqual(registry.workers, []);
  assert.equal((await act({ action: 'restart' }))[0], 409);
  for (const action of ['', 'toString', 'explode']) assert.equal((await act({ action }))[0], 400);
  assert.equal((await act({ action: 'add', url: 'nonsense' }))[0], 400);
});

test('a page of another origin can do nothing, with a form, with JSON or with what needs no leave', async () => {
  await using sim = await startSim();
  await using router = await testRouter([sim.url], ['--cors-allowed-origins', 'http://friend.example']);
  const [worker] = router.router.registry.workers;
  const body = JSON.stringify({ action: 'remove', worker: worker?.id });
  const forged: readonly Record<string, string>[] = [
    { origin: 'http://evil.example', 'content-type': 'application/x-www-form-urlencoded' },
    { origin: 'http://evil.example', 'content-type': 'text/plain' },
    { origin: 'http://evil.example', ...json },
    { origin: 'http://friend.example', ...json },
    { origin: 'null', ...json },
    { 'sec-fetch-site': 'same-site', ...json },
  ];
  for (const headers of forged) {
    for (const path of ['actions', 'sign-in', 'sign-out']) {
      const answer = await fetch(`${router.url}/dashboard/${path}`, { method: 'POST', headers, body });
      assert.equal(answer.status, 403, JSON.stringify([path, headers]));
    }
    const { status } = await fetch(`${router.url}/dashboard/snapshot`, { headers });
    assert.equal(status, 403);
  }
  // Its own page under a name that somebody has pointed here.
  const name = { host: 'evil.example', origin: 'http://evil.example', ...json };
  assert.equal((await post(`${router.url}/dashboard/actions`, JSON.parse(body), name)).status, 403);
  // No page at all, but not JSON.
  const plain = await fetch(`${router.url}/dashboard/actions`, { method: 'POST', body });
  assert.equal(plain.status, 415);
  assert.equal(router.router.registry.workers.length, 1);
});

test('a worker that tells no load is shown all the same', async (t) => {
  const server = createServer((request, response) => response.writeHead(request.url === '/health' ? 200 : 404).end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await using router = await testRouter([url]);
  const [worker] = (await snapshotOf(router.url)).workers;
  assert.deepEqual([worker?.url, worker?.running, worker?.queued, worker?.kvUse], [url, null, null, null]);
});

test('errors are told by cause: those that clients had and those of workers', async () => {
  await using sim = await startSim(['--sim-fail-first', '100']);
  await using router = await testRouter([sim.url]);
  await ask(router.url);
  const { errors } = await snapshotOf(router.url);
  assert.ok(
    errors.some(({ seenBy, total }) => seenBy === 'client' && total === 1),
    JSON.stringify(errors),
  );
  assert.ok(
    errors.some(({ seenBy, worker }) => seenBy === 'router' && worker === sim.url),
    JSON.stringify(errors),
  );
});

test('more than 32 who look at once are refused, and those who leave make room', async () => {
  await using router = await testRouter([]);
  const open = async () => {
    const stop = new AbortController();
    const answer = await fetch(`${router.url}/dashboard/feed`, { signal: stop.signal });
    // An answer that nobody holds is cancelled when the memory is tidied.
    return { answer, stop };
  };
  const readers = await Promise.all(Array.from({ length: 32 }, open));
  assert.ok(readers.every(({ answer }) => answer.status === 200));
  assert.equal((await open()).answer.status, 503);
  readers[0]!.stop.abort();
  await until(
    () => router.records.filter(({ route, clientLeft }) => route === '/dashboard/feed' && clientLeft).length === 1,
  );
  assert.equal((await open()).answer.status, 200);
});
