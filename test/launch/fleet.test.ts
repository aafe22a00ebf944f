import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Engine, simEngine } from '../../src/launch/engine.ts';
import type { Failure } from '../../src/launch/failure.ts';
import { Fleet } from '../../src/launch/fleet.ts';
import { planServers } from '../../src/launch/plan.ts';
import type { Server } from '../../src/launch/server.ts';
import { createLog } from '../../src/observe/log/log.ts';
import { Ports } from '../../src/os/ports.ts';
import { ENGINE, gone } from './processes.ts';

const ENGINE_FIXTURE: Engine = {
  kind: 'sim',
  label: 'fixture',
  file: process.execPath,
  leadingArgs: [ENGINE],
  trailingArgs: [],
};

interface Started {
  readonly fleet: Fleet;
  readonly output: string[];
  readonly logFolder: string;
}

async function createFleet(
  t: TestContext,
  dpSize: number,
  serverArgs: string[],
  { engine = ENGINE_FIXTURE, startupTimeoutMs = 60_000, prefill = 0 } = {},
): Promise<Started> {
  const gpu = { base: 0, step: 1, perServer: 1 };
  const plans = planServers(
    { servers: { regular: dpSize, prefill, decode: 0 }, gpu, serverArgs, serverTls: false },
    engine,
  );
  const logFolder = await mkdtemp(join(tmpdir(), 'fleet-'));
  const ports = await Ports.from(20_300);
  const log = createLog('critical');
  const fleet = await Fleet.create(plans, { ports, logFolder, startupTimeoutMs, log });
  t.after(() => fleet.kill());
  const output: string[] = [];
  fleet.on('output', (server, lines) => output.push(...lines.map((line) => `${server.plan.name} ${line}`)));
  return { fleet, output, logFolder };
}

/** Pids that the servers and their children told of. */
const pidsIn = (output: readonly string[]) =>
  Array.from(output.join('\n').matchAll(/ pid (\d+)/g), ([, pid]) => Number(pid));

const failureOf = async (fleet: Fleet): Promise<readonly [Server, Failure]> =>
  (await once(fleet, 'failed')) as [Server, Failure];

async function allWarm(fleet: Fleet): Promise<void> {
  const warm = new Set<Server>();
  while (warm.size < fleet.servers.length) warm.add((await once(fleet, 'warm'))[0]);
}

test('servers come up side by side, each on its own port with its own log, and stop without leaving anything', async (t) => {
  const { fleet, output, logFolder } = await createFleet(t, 2, ['--behave', 'grandchild']);
  fleet.start();
  await allWarm(fleet);
  const urls = fleet.servers.map(({ url }) => url);
  assert.equal(new Set(urls).size, 2);
  for (const url of urls) assert.equal((await fetch(url)).status, 200);
  assert.deepEqual(
    fleet.progress().map(({ rank, url, phase, progress }) => ({ rank, url, phase, progress })),
    urls.map((url, rank) => ({ rank, url, phase: 'warm-up', progress: null })),
  );
  assert.deepEqual(await fleet.stop(), []);
  assert.equal(pidsIn(output).length, 4);
  await gone(...pidsIn(output));
  assert.match(await readFile(join(logFolder, 'w1.log'), 'utf8'), /--port \d+ --dp-size 1 --base-gpu-id 1\n/);
});

test('a server that ends while starting is told at once with its cause', async (t) => {
  const { fleet } = await createFleet(t, 2, [
    '--behave',
    'die@1,hang@0',
    '--say',
    'RuntimeError: Found no NVIDIA driver',
  ]);
  fleet.start();
  const [server, failure] = await failureOf(fleet);
  assert.equal(server.plan.name, 'w1');
  assert.match(
    failure.text,
    /^w1 \(127\.0\.0\.1:\d+\) did not start: no usable GPU: .*\(exit code 1, after [\d.]+ s\)$/,
  );
  assert.equal(failure.lines.at(-1), 'RuntimeError: Found no NVIDIA driver');
  assert.match(await readFile(failure.logPath, 'utf8'), /Found no NVIDIA driver/);
});

test('a server that dies later leaves no children behind', async (t) => {
  const { fleet, output } = await createFleet(t, 1, ['--behave', 'grandchild']);
  fleet.start();
  await allWarm(fleet);
  await fleet.servers[0]!.answered();
  const failed = failureOf(fleet);
  await fetch(`${fleet.servers[0]!.url}/die`).catch(() => {});
  const [server, failure] = await failed;
  assert.match(failure.text, /^w0 \S+ died: .*exit code 3/);
  assert.ok(!server.ready);
  await gone(...pidsIn(output));
});

test('a port lost to another program is replaced', async (t) => {
  const { fleet, output } = await createFleet(t, 1, []);
  const [server] = fleet.servers;
  const lost = server!.url;
  const thief = createServer().listen(server!.port, '127.0.0.1');
  t.after(() => thief.close());
  await once(thief, 'listening');
  const events: unknown[] = [];
  fleet.on('started', ({ url }) => events.push(['started', url]));
  fleet.on('moved', ({ url }, lostUrl) => events.push(['moved', lostUrl, url]));
  fleet.start();
  await allWarm(fleet);
  assert.notEqual(server!.url, lost);
  assert.deepEqual(events, [
    ['started', lost],
    ['moved', lost, server!.url],
    ['started', server!.url],
  ]);
  assert.equal((await fetch(server!.url)).status, 200);
  await gone(pidsIn(output)[0]!);
});

test('a bootstrap port lost to another program is replaced, and the other port with it', async (t) => {
  const engine = simEngine(fileURLToPath(new URL('../../src/main.ts', import.meta.url)));
  const { fleet } = await createFleet(t, 0, [], { engine, prefill: 1 });
  const [server] = fleet.servers;
  const before = [server!.port, server!.bootstrapPort];
  const thief = createServer().listen(server!.bootstrapPort, '127.0.0.1');
  t.after(() => thief.close());
  await once(thief, 'listening');
  fleet.start();
  await allWarm(fleet);
  const info = (await (await fetch(`${server!.url}/server_info`)).json()) as Record<string, unknown>;
  assert.equal(info.disaggregation_bootstrap_port, server!.bootstrapPort);
  assert.equal(new Set([...before, server!.port, server!.bootstrapPort]).size, 4);
});

test('a stranger that answers on the port is not taken for the server', async (t) => {
  const { fleet } = await createFleet(t, 1, ['--behave', 'hang']);
  const [server] = fleet.servers;
  const stranger = createServer().listen(server!.port, '127.0.0.1');
  t.after(() => stranger.close());
  await once(stranger, 'listening');
  const lost = server!.url;
  fleet.start();
  const moved = once(fleet, 'moved');
  await server!.answered();
  assert.deepEqual(await moved, [server, lost]);
  assert.ok(!server!.ready);
  assert.notEqual(server!.url, lost);
});

test('a server that finds every port taken fails in the end', async (t) => {
  const words = "error while attempting to bind on address ('127.0.0.1', 1): address already in use";
  const { fleet, output } = await createFleet(t, 1, ['--behave', 'die', '--say', words]);
  fleet.start();
  const [, failure] = await failureOf(fleet);
  assert.match(failure.text, /port in use/);
  assert.equal(pidsIn(output).length, 4);
});

test('a server that takes too long is told, with what it was last seen at, and ended', async (t) => {
  const { fleet, output } = await createFleet(t, 1, ['--behave', 'hang,ignore-term'], { startupTimeoutMs: 4_000 });
  fleet.start();
  const [, failure] = await failureOf(fleet);
  assert.equal(failure.code, 'server_start_timeout');
  assert.match(failure.text, /not ready within 4\.0 s, last seen at: weights 50%$/);
  await gone(...pidsIn(output));
});

test('a program that is not there is a failure like any other', async (t) => {
  const engine = { ...ENGINE_FIXTURE, file: '/no/such/program' };
  const { fleet } = await createFleet(t, 1, [], { engine });
  fleet.start();
  const [, failure] = await failureOf(fleet);
  assert.match(failure.text, /its program cannot be run \(could not be started: .*ENOENT/);
});

test('a server that ignores SIGTERM is killed after the grace', async (t) => {
  const { fleet, output } = await createFleet(t, 2, ['--behave', 'ignore-term,grandchild']);
  fleet.start();
  await allWarm(fleet);
  assert.deepEqual(await fleet.stop(300), []);
  await gone(...pidsIn(output));
});

test('a server that is told to stop is no failure', async (t) => {
  const { fleet } = await createFleet(t, 1, []);
  fleet.on('failed', (_, failure) => assert.fail(failure.text));
  fleet.start();
  await allWarm(fleet);
  await fleet.stop();
});

/** Ready, as the registry's health check would find it. */
async function ready(fleet: Fleet): Promise<Server> {
  fleet.start();
  await allWarm(fleet);
  const server = fleet.servers[0]!;
  await server.answered();
  return server;
}

test('(19) a server is started again on its port, its log goes on, and what it had started before is gone', async (t) => {
  const { fleet, output, logFolder } = await createFleet(t, 1, ['--behave', 'grandchild']);
  const server = await ready(fleet);
  const { url } = server;
  const before = pidsIn(output);
  const started = once(fleet, 'started');
  await server.restart(5_000);
  assert.deepEqual(await started, [server]);
  assert.ok(!server.ready && !server.over);
  await allWarm(fleet);
  await server.answered();
  assert.ok(server.ready);
  assert.equal(server.url, url);
  assert.equal((await fetch(url)).status, 200);
  await gone(...before);
  const log = await readFile(join(logFolder, 'w0.log'), 'utf8');
  assert.match(log, new RegExp(`pid ${before[0]} .*started again\\]\n.*pid (?!${before[0]})`, 's'));
});

test('a port that somebody else took meanwhile is given up before the start', async (t) => {
  const { fleet, output } = await createFleet(t, 1, []);
  const server = await ready(fleet);
  const lost = server.url;
  const failed = failureOf(fleet);
  await fetch(`${lost}/die`).catch(() => {});
  await failed;
  const thief = createServer().listen(server.port, '127.0.0.1');
  t.after(() => thief.close());
  await once(thief, 'listening');
  const moved = once(fleet, 'moved');
  await server.restart(0);
  assert.deepEqual(await moved, [server, lost]);
  await allWarm(fleet);
  assert.notEqual(server.url, lost);
  assert.equal((await fetch(server.url)).status, 200);
  assert.equal(pidsIn(output).length, 2);
});

test('a server that hangs when it is started again is ended and told', async (t) => {
  const marks = await mkdtemp(join(tmpdir(), 'marks-'));
  const words = ['--marks', marks, '--behave', 'hang-again'];
  const { fleet, output } = await createFleet(t, 1, words, { startupTimeoutMs: 1_500 });
  const server = await ready(fleet);
  const failed = failureOf(fleet);
  await server.restart(5_000);
  const [, failure] = await failed;
  assert.equal(failure.code, 'server_start_timeout');
  assert.ok(server.over);
  await gone(...pidsIn(output));
});

test('a server that is stopped while it is being started again does not come back', async (t) => {
  const { fleet, output } = await createFleet(t, 1, ['--behave', 'ignore-term']);
  const server = await ready(fleet);
  fleet.on('started', () => assert.fail('started'));
  const restarted = server.restart(60_000);
  await fleet.stop(100);
  await restarted;
  await gone(...pidsIn(output));
});
