import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { simEngine } from '../../src/launch/engine.ts';
import { Fleet } from '../../src/launch/fleet.ts';
import { planServers } from '../../src/launch/plan.ts';
import { createScreen } from '../../src/launch/screen.ts';
import { createLog } from '../../src/observe/log/log.ts';
import { Ports } from '../../src/os/ports.ts';
import { ModelTerminal } from '../helpers/model-terminal.ts';

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

test('elsewhere than on a terminal: a line per phase, output with the name before it, no progress bars', async () => {
  const { servers } = await idleFleet();
  let text = '';
  const screen = createScreen({ write: (more) => (text += more) }, servers, {});
  screen.changed(servers[1]!);
  screen.changed(servers[1]!);
  screen.output(servers[0]!, ['one', 'Loading shards:  50% Completed | 1/2 [00:00]', 'two']);
  screen.output(servers[0]!, ['Capturing batches (bs=1): 100%|##| 2/2 [00:00<00:00]']);
  screen.print('READY {}\n');
  screen.close();
  assert.equal(text, 'w1 starting (0.0 s)\nw0 | one\nw0 | two\nREADY {}\n');
});

test('on a terminal: a board with a line per server that is left behind in the end', async () => {
  const { servers } = await idleFleet();
  let text = '';
  const screen = createScreen({ isTTY: true, columns: 100, write: (more) => (text += more) }, servers, {});
  screen.output(servers[0]!, ['one']);
  assert.match(text, /w0 :\d+ {2}░{12} {2}starting {2}0\.0 s\nw1 :\d+ /);
  assert.match(text, /w0 \| .*one\n/);
  screen.close();
  const closed = text.length;
  screen.changed(servers[0]!);
  screen.close();
  screen.print('later\n');
  assert.equal(text.slice(closed), 'later\n');
});

test('more servers than rows: the board fits, also after the terminal was made smaller, and stands once', async () => {
  const { servers } = await idleFleet(40);
  const terminal = new ModelTerminal(80, 24);
  const screen = createScreen(terminal, servers, {});
  for (let count = 0; count < 30; count++) screen.output(servers[count]!, [`line ${count}`]);
  assert.equal(terminal.everything.filter((line) => line.startsWith('40 servers ')).length, 1);
  assert.equal(terminal.screen.at(-1), terminal.everything.at(-1));
  terminal.resize(30, 12);
  screen.print('above\n');
  assert.deepEqual(
    terminal.screen.map((line) => line.slice(0, 9)).slice(-9),
    ['above', '40 server', ...[0, 1, 2, 3, 4, 5, 6].map((rank) => `w${rank} :${servers[rank]!.port}`)].map((line) =>
      line.slice(0, 9),
    ),
  );
  screen.close();
  assert.equal(terminal.listenerCount('resize'), 0);
});

test('a terminal that cannot move its cursor gets lines', async () => {
  const { servers } = await idleFleet();
  let text = '';
  const screen = createScreen({ isTTY: true, write: (more) => (text += more) }, servers, { TERM: 'dumb' });
  screen.changed(servers[0]!);
  screen.close();
  assert.equal(text, 'w0 starting (0.0 s)\n');
});

test('a server that floods its output is shown in part, with a line that says so; the others are not held back', async () => {
  const { servers } = await idleFleet();
  let text = '';
  const screen = createScreen({ write: (more) => (text += more) }, servers, {});
  const line = 'x'.repeat(1_000);
  for (let count = 0; count < 1_000; count++) screen.output(servers[0]!, [line]);
  assert.ok(text.length < 300 * 1024, `${text.length}`);
  screen.output(servers[1]!, ['other']);
  assert.match(text, /\nw1 \| other\n$/);
});

test('output that nobody reads is left out, and said when somebody does', async () => {
  const { servers } = await idleFleet();
  let text = '';
  const terminal = { writableLength: 9 * 2 ** 20, write: (more: string) => (text += more) };
  const screen = createScreen(terminal, servers, {});
  screen.output(servers[0]!, ['one', 'two']);
  terminal.writableLength = 0;
  screen.output(servers[0]!, ['three']);
  assert.equal(text, 'w0 | [2 lines left out here; its log has them]\nw0 | three\n');
});
