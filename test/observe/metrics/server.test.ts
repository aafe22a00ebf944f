import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { ExitError } from '../../../src/errors/errors.ts';
import { createLog } from '../../../src/observe/log/log.ts';
import { Metrics } from '../../../src/observe/metrics/metrics.ts';
import { DEFAULT_METRICS_PORT, serveMetrics } from '../../../src/observe/metrics/server.ts';
import { parseScrape } from '../../helpers/prometheus.ts';
import { rawClient } from '../../helpers/raw-client.ts';
import { until } from '../../helpers/test-router.ts';

const HOST = '127.0.0.1';
const portOf = (server: { address(): unknown } | undefined) => (server!.address() as AddressInfo).port;
const silent = createLog('critical');

async function served() {
  const metrics = new Metrics({ version: '1' });
  const server = await serveMetrics(metrics, { host: HOST, port: 0 }, silent);
  const close = () => {
    metrics.close();
    server?.close();
    server?.closeAllConnections();
  };
  return { url: `http://${HOST}:${portOf(server)}`, [Symbol.dispose]: close };
}

test('/metrics and / answer in the text format of Prometheus', async () => {
  using server = await served();
  for (const path of ['/metrics', '/', '/metrics?x=1']) {
    const response = await fetch(server.url + path);
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    assert.ok(parseScrape(await response.text()).size > 30);
  }
});

test('other paths are 404 and other methods 405, and say what is expected', async () => {
  using server = await served();
  const lost = await fetch(`${server.url}/health`);
  assert.equal(lost.status, 404);
  assert.match(await lost.text(), /\/metrics/);
  assert.equal((await fetch(`${server.url}/metrics`, { method: 'POST' })).status, 405);
});

async function holding<T>(port: number, use: (taken: number) => Promise<T>): Promise<T> {
  const holder = createServer();
  holder.listen(port, HOST);
  // Whoever else has the port holds it as well.
  await once(holder, 'listening').catch(() => {});
  try {
    return await use(port || portOf(holder));
  } finally {
    holder.close();
  }
}

test('a chosen port that is taken ends the start', async () => {
  const metrics = new Metrics({ version: '1' });
  await holding(0, async (port) => {
    await assert.rejects(serveMetrics(metrics, { host: HOST, port }, silent), (error: unknown) => {
      assert.ok(error instanceof ExitError);
      assert.equal(error.code, 'port_in_use');
      assert.match(error.hint ?? '', /--prometheus-port/);
      return true;
    });
  });
  metrics.close();
});

test('the default port that is taken is a warning: a second router on a machine serves all the same', async () => {
  const metrics = new Metrics({ version: '1' });
  const lines: string[] = [];
  const log = createLog('warning', (line) => lines.push(line));
  await holding(DEFAULT_METRICS_PORT, async (port) => {
    assert.equal(await serveMetrics(metrics, { host: HOST, port }, log), undefined);
  });
  assert.match(lines.join(''), /--prometheus-port/);
  metrics.close();
});

test('connections on which nothing comes keep few files open, and give way to a scrape', async (t) => {
  using server = await served();
  const clients = await Promise.all(Array.from({ length: 100 }, () => rawClient(server.url)));
  let closed = 0;
  for (const client of clients) void client.closed().then(() => closed++);
  await until(() => closed >= 68);
  const scrape = () =>
    fetch(`${server.url}/metrics`, { headers: { connection: 'close' } }).then(
      ({ status }) => status,
      () => undefined,
    );
  let status: number | undefined;
  while (status !== 200 && !t.signal.aborted) status = await scrape();
  for (const { socket } of clients) socket.destroy();
});
