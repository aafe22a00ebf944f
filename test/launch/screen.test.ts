import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { simEngine } from '../../src/launch/engine.ts';
import { Fleet } from '../../src/launch/fleet.ts';
import { planServers } from '../../src/launch/plan.ts';
import { Ports } from '../../src/launch/ports.ts';
import { createScreen } from '../../src/launch/screen.ts';
import { createLog } from '../../src/log.ts';

/** A fleet that is never started. */
async function idleFleet(): Promise<Fleet> {
  const plans = planServers(
    { dpSize: 2, gpu: { base: 0, step: 1, perServer: 1 }, serverArgs: [], serverTls: false },
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
  const screen = createScreen({ write: (more) => (text += more) }, servers);
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
  const screen = createScreen({ isTTY: true, columns: 100, write: (more) => (text += more) }, servers);
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
