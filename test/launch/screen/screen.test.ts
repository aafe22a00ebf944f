import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { simEngine } from '../../../src/launch/engine.ts';
import { Fleet } from '../../../src/launch/fleet.ts';
import { planServers } from '../../../src/launch/plan.ts';
import { createScreen } from '../../../src/launch/screen/create.ts';
import type { LaunchTerminal, Screen } from '../../../src/launch/screen/screen.ts';
import { StartTimes } from '../../../src/launch/start-times.ts';
import { createLog } from '../../../src/observe/log/log.ts';
import { Ports } from '../../../src/os/ports.ts';
import { ModelTerminal } from '../../helpers/model-terminal.ts';

const SERVING = {
  url: 'http://127.0.0.1:30000',
  networkUrls: [],
  onLoopback: true,
  workers: ['http://127.0.0.1:31000'],
  of: 2,
  elapsedMs: 33_400,
  model: 'tiny',
  maxConcurrentRequests: 64,
  keyNeeded: true,
  dashboardUrl: 'http://127.0.0.1:30000/dashboard',
  logFolder: '/tmp/logs',
  pid: 4711,
};

/** A fleet that is never started. */
async function idleFleet(count = 2): Promise<Fleet> {
  const plans = planServers(
    {
      servers: { regular: count, prefill: 0, decode: 0 },
      gpu: { base: 0, step: 1, perServer: 1 },
      serverArgs: [],
      serverTls: false,
    },
    simEngine('x'),
  );
  const options = {
    ports: await Ports.from(20_240),
    logFolder: await mkdtemp(join(tmpdir(), 'screen-')),
    startupTimeoutMs: 1_000,
    log: createLog('critical'),
    now: () => 0,
  };
  return Fleet.create(plans, options);
}

type Output = Parameters<typeof createScreen>[0]['output'];

/** A screen, and what its log has said. */
function screenOn(terminal: LaunchTerminal, env: NodeJS.ProcessEnv = {}, output: Output = 'important') {
  let logged = '';
  const log = createLog('info', (line) => {
    logged += line.replace(/^\S+ /, '');
  });
  const screen = createScreen(
    { terminal, paint: (_style, text) => text, output, secrets: ['sk-secret-key'], log },
    env,
  );
  return { screen, logged: () => logged };
}

function plan(screen: Screen, { servers }: Fleet): void {
  const about = { url: 'http://127.0.0.1:30000', engine: simEngine('x'), model: undefined, onGpus: false };
  screen.plan({ ...about, servers, logFolder: '/tmp/logs' }, new StartTimes('/no/such/folder/times.json', 'tiny'));
}

test('where there is no terminal everything is a line of the log', async () => {
  const fleet = await idleFleet();
  const { servers } = fleet;
  const [first, second] = servers.map(({ port }) => `127.0.0.1:${port}`);
  let text = '';
  const { screen, logged } = screenOn({ write: (more) => (text += more) }, {}, 'all');
  plan(screen, fleet);
  screen.changed(servers[1]!);
  screen.changed(servers[1]!);
  screen.output(servers[0]!, ['one', 'Loading shards:  50% Completed | 1/2 [00:00]', 'two']);
  screen.output(servers[0]!, ['torch.OutOfMemoryError: CUDA out of memory']);
  screen.serving(SERVING);
  screen.close();
  assert.equal(text, '');
  assert.equal(
    logged(),
    [
      'INFO     2 servers behind http://127.0.0.1:30000 engine="simulated engines: no model, no GPU" logs=/tmp/logs',
      `INFO     w0 is started on ${first}`,
      `INFO     w1 is started on ${second}`,
      'INFO     w1 starting secs=0',
      'INFO     w0 | one',
      'INFO     w0 | two',
      'ERROR    w0 | torch.OutOfMemoryError: CUDA out of memory',
      'INFO     ready in 33.4 s: 1 of 2 servers behind http://127.0.0.1:30000 model=tiny ' +
        'limit="64 requests at once, more wait (--router-max-concurrent-requests)" ' +
        'dashboard=http://127.0.0.1:30000/dashboard logs=/tmp/logs pid=4711',
      '',
    ].join('\n'),
  );
});

test('on a terminal: a board with a row per server, what matters of their output above it, the banner below', async () => {
  const fleet = await idleFleet();
  const { servers } = fleet;
  const [first, second] = servers.map(({ port }) => port);
  const terminal = new ModelTerminal(80, 24);
  const { screen } = screenOn(terminal);
  plan(screen, fleet);
  screen.output(servers[0]!, ['[2026-11-21 08:15:43] Load weight begin.', '[08:15:43] WARNING: the fan is slow']);
  assert.deepEqual(terminal.screen, [
    '2 servers behind http://127.0.0.1:30000',
    'simulated engines: no model, no GPU',
    'logs  /tmp/logs',
    '',
    'w0 | [08:15:43] WARNING: the fan is slow',
    `w0  :${first}  ░░░░░░░░░░░░  starting  0.0 s`,
    `w1  :${second}  ░░░░░░░░░░░░  starting  0.0 s`,
  ]);
  screen.close();
  screen.print('later\n');
  assert.deepEqual(terminal.screen.slice(-2), [`w1  :${second}  ░░░░░░░░░░░░  starting  0.0 s`, 'later']);
  assert.equal(terminal.listenerCount('resize'), 0);
});

test('the banner has all there is to know, and a request to paste whose lines do not wrap', async () => {
  const fleet = await idleFleet();
  const terminal = new ModelTerminal(80, 30);
  const { screen } = screenOn(terminal);
  plan(screen, fleet);
  screen.serving(SERVING);
  const from = terminal.everything.findIndex((line) => line.includes('ready in'));
  assert.deepEqual(terminal.everything.slice(from, from + 13), [
    '  ready in 33.4 s: 1 of 2 servers',
    '',
    '  Local      http://127.0.0.1:30000',
    '  Network    none; --host 0.0.0.0 serves other machines too',
    '  Model      tiny',
    '  Limit      64 requests at once, more wait (--router-max-concurrent-requests)',
    '  Dashboard  http://127.0.0.1:30000/dashboard',
    '  Logs       /tmp/logs',
    '  Process    4711 (Ctrl-C stops it; see also: sglang-launch logs, restart)',
    '',
    "  curl http://127.0.0.1:30000/generate -H 'content-type: application/json' \\",
    '    -H "authorization: Bearer $API_KEY" \\',
    `    -d '{"text": "The capital of France is"}'`,
  ]);
  screen.close();
});

test('while the launch ends one row says what it waits for, and goes', async () => {
  const terminal = new ModelTerminal(80, 24);
  const { screen } = screenOn(terminal);
  plan(screen, await idleFleet());
  screen.ending(() => 'stopping: 3 requests in flight, 178 s at most');
  assert.equal(terminal.screen.at(-1), 'stopping: 3 requests in flight, 178 s at most; Ctrl-C again ends at once');
  screen.close();
  screen.print('stopped\n');
  assert.equal(terminal.screen.at(-1), 'stopped');
  assert.ok(!terminal.everything.some((line) => line.startsWith('stopping')));
});

test('more servers than rows: the board fits, also after the terminal was made smaller, and stands once', async () => {
  const fleet = await idleFleet(40);
  const { servers } = fleet;
  const terminal = new ModelTerminal(80, 24);
  const { screen } = screenOn(terminal);
  plan(screen, fleet);
  for (let count = 0; count < 30; count++) screen.output(servers[count]!, [`ERROR line ${count}`]);
  assert.equal(terminal.everything.filter((line) => line.startsWith('40 servers  ')).length, 1);
  assert.equal(terminal.screen.at(-1), terminal.everything.at(-1));
  terminal.resize(30, 12);
  screen.print('above\n');
  const rows = [0, 1, 2, 3, 4, 5, 6].map((rank) => `w${rank}  :${servers[rank]!.port}`);
  assert.deepEqual(
    terminal.screen.map((line) => line.slice(0, 9)).slice(-9),
    ['above', '40 server', ...rows].map((line) => line.slice(0, 9)),
  );
  screen.close();
});

for (const [name, env] of [
  ['that cannot move its cursor', { TERM: 'dumb' }],
  ['that is recorded by a CI system', { CI: 'true' }],
] as const) {
  test(`a terminal ${name} gets lines`, async () => {
    const fleet = await idleFleet();
    const { servers } = fleet;
    let text = '';
    const { screen } = screenOn({ isTTY: true, write: (more) => (text += more) }, env);
    plan(screen, fleet);
    screen.changed(servers[0]!);
    screen.serving(SERVING);
    screen.close();
    assert.ok(!text.includes('\u001b'));
    assert.match(text, /^w0 {2}127\.0\.0\.1:\d+\nw1 {2}127\.0\.0\.1:\d+\nw0 starting \(0\.0 s\)\n\n {2}ready in /m);
  });
}

test('with quiet no line of a server is shown, with all every one', async () => {
  const { servers } = await idleFleet();
  for (const [output, shown] of [
    ['quiet', ''],
    ['all', 'w0 | one\nw0 | ERROR two\n'],
  ] as const) {
    let text = '';
    const { screen } = screenOn({ isTTY: true, write: (more) => (text += more) }, { TERM: 'dumb' }, output);
    screen.output(servers[0]!, ['one', 'ERROR two']);
    assert.equal(text, shown);
  }
});

test('a key that a server prints is hidden', async () => {
  const { servers } = await idleFleet();
  for (const env of [{ TERM: 'dumb' }, {}]) {
    let text = '';
    const { screen } = screenOn({ isTTY: true, write: (more) => (text += more) }, env, 'all');
    screen.output(servers[0]!, ["server_args={'api_key': 'sk-secret-key'}"]);
    screen.close();
    assert.match(text, /'api_key': '\*\*\*'/);
    assert.doesNotMatch(text, /secret/);
  }
});
