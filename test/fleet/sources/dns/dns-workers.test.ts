import assert from 'node:assert/strict';
import { Resolver } from 'node:dns/promises';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { DnsWorkers } from '../../../../src/fleet/sources/dns/dns-workers.ts';
import { lookUp } from '../../../../src/fleet/sources/dns/lookup.ts';
import { Reconciler } from '../../../../src/fleet/sources/reconciler.ts';
import { createLog } from '../../../../src/observe/log/log.ts';
import { FakeDns } from '../../../helpers/fake-dns.ts';
import { testRegistry } from '../../../helpers/test-registry.ts';
import { until } from '../../../helpers/test-router.ts';

function follow(dns: FakeDns, names: readonly string[], absentMs?: number) {
  const { workers, lines, [Symbol.asyncDispose]: dispose } = testRegistry();
  const log = createLog('info', (line) => lines.push(line));
  const reconciler = new Reconciler(workers, log);
  const common = { apiKey: 'key', servers: [dns.address], leastMs: 10 };
  const source = new DnsWorkers({ names, ...common, ...(absentMs !== undefined && { absentMs }) }, log);
  reconciler.follow(source);
  const urls = () => workers.workers.map(({ url }) => url).sort();
  return {
    workers,
    lines,
    source,
    has: (...wanted: string[]) => until(() => String(urls()) === String(wanted)),
    [Symbol.asyncDispose]: async () => {
      reconciler.close();
      await dispose();
    },
  };
}

test('each address of a name is a worker; changes are applied when the answer has expired', async () => {
  await using dns = await FakeDns.start();
  dns.records.set('workers.test', { A: ['127.0.0.2', '127.0.0.3'] });
  await using found = follow(dns, ['workers.test.:8000']);
  await found.has('http://127.0.0.2:8000', 'http://127.0.0.3:8000');
  const stays = found.workers.get('http://127.0.0.3:8000');
  assert.deepEqual([stays?.spec.source, stays?.spec.apiKey], ['dns', 'key']);
  dns.records.set('workers.test', { A: ['127.0.0.4', '127.0.0.3'] });
  await found.has('http://127.0.0.3:8000', 'http://127.0.0.4:8000');
  assert.equal(found.workers.get('http://127.0.0.3:8000'), stays);
});

test('without a port SRV records tell it', async () => {
  await using dns = await FakeDns.start();
  dns.records.set('_http._tcp.workers.test', { SRV: ['a.test:8001', 'b.test:8002'] });
  dns.records.set('a.test', { A: ['127.0.0.2'] });
  dns.records.set('b.test', { A: ['127.0.0.3'] });
  await using found = follow(dns, ['_http._tcp.workers.test.']);
  await found.has('http://127.0.0.2:8001', 'http://127.0.0.3:8002');
});

test('a resolver that fails leaves the workers as they are, and says so', async () => {
  await using dns = await FakeDns.start();
  dns.records.set('workers.test', { A: ['127.0.0.2'] });
  await using found = follow(dns, ['workers.test.:8000']);
  await found.has('http://127.0.0.2:8000');
  dns.failing = true;
  await until(() => found.source.stale !== undefined);
  assert.match(found.source.stale?.problem ?? '', /^workers\.test\.:8000: /);
  assert.equal(found.workers.workers.length, 1);
  assert.match(found.lines.join(''), /WARNING .*cannot be resolved.* kept=1/);
});

test('a name without addresses counts only when it stays so', async () => {
  await using dns = await FakeDns.start();
  dns.records.set('workers.test', { A: ['127.0.0.2'] });
  await using found = follow(dns, ['workers.test.:8000'], 600_000);
  await using soon = follow(dns, ['workers.test.:8000'], 0);
  await found.has('http://127.0.0.2:8000');
  await soon.has('http://127.0.0.2:8000');
  dns.records.delete('workers.test');
  await soon.has();
  await until(() => found.source.stale !== undefined);
  assert.equal(found.workers.workers.length, 1);
});

test('a name is absent only by answers: an outage before them, or a clock that jumps, takes no worker out', async (t) => {
  await using dns = await FakeDns.start();
  dns.records.set('workers.test', { A: ['127.0.0.2'] });
  await using found = follow(dns, ['workers.test.:8000'], 600_000);
  await found.has('http://127.0.0.2:8000');
  const hourMs = 3_600_000;
  const now = performance.now.bind(performance);
  // The servers do not answer for an hour.
  t.mock.method(performance, 'now', () => now() + hourMs);
  t.mock.method(Date, 'now', () => performance.timeOrigin + now() + 2 * hourMs);
  dns.records.delete('workers.test');
  await until(() => found.source.stale?.problem.includes('no addresses') ?? false);
  assert.equal(found.workers.workers.length, 1);
});

test('a short name is tried in the search domains first, a long one last, one with a dot at its end never', async () => {
  await using dns = await FakeDns.start();
  const path = await mkdtemp(join(tmpdir(), 'resolv-'));
  const conf = join(path, 'resolv.conf');
  await writeFile(conf, 'nameserver 127.0.0.1\nsearch prod.svc.test svc.test\noptions ndots:3 edns0\n');
  dns.records.set('workers.svc.test', { A: ['127.0.0.2'], ttl: 7 });
  const resolver = new Resolver();
  resolver.setServers([dns.address]);
  const asked = async (name: string) => {
    dns.asked.length = 0;
    const found = await lookUp(resolver, name, conf);
    return { ...found, names: [...new Set(dns.asked.map((question) => question.split(' ')[1]))] };
  };
  assert.deepEqual(await asked('workers:80'), {
    endpoints: ['127.0.0.2:80'],
    ttlSecs: 7,
    names: ['workers.prod.svc.test', 'workers.svc.test'],
  });
  assert.deepEqual((await asked('a.b.c.d:80')).names, ['a.b.c.d', 'a.b.c.d.prod.svc.test', 'a.b.c.d.svc.test']);
  assert.deepEqual((await asked('workers.svc.test.:80')).names, ['workers.svc.test']);
  await rm(path, { recursive: true });
});
