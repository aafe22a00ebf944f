import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ask, SIMULATED } from '../helpers/co-launch.ts';
import { options, TerminalLaunch } from '../helpers/tmux.ts';

const SMALL = [80, 24] as const;
const LARGE = [200, 50] as const;

const ESC = '\u001b';

/** Rows of the board. */
const rowsIn = (rows: readonly string[]) => rows.filter((row) => /^\w+ +:\d+ /.test(row));

test('12 servers start on 80 × 24: a row each, then one banner, and no line of theirs', options, async (t) => {
  const args = ['--dp-size', '12', '--sim-startup-secs', '3'];
  const launch = await TerminalLaunch.open(t, SMALL, args, { env: SIMULATED });
  const starting = await launch.shows(/^w11 +:\d+ .* weights/m);
  assert.equal(rowsIn(starting).length, 12);
  for (const row of rowsIn(starting))
    assert.match(row, /^w\d+ +:\d+ {2}[█░]{12} {2}(?:starting|weights|KV cache|CUDA graphs).* {2}\d+\.\d s/);
  await launch.shows(/-d '\{"text": /);
  const all = launch.everything;
  assert.equal(rowsIn(all).length, 12, all.join('\n'));
  for (const row of rowsIn(all)) assert.match(row, / ✓ ready .* KV 524k tokens$/);
  assert.equal(all.filter((row) => /^ {2}ready in .*: 12 of 12 servers$/.test(row)).length, 1);
  for (const word of ['Local', 'Network', 'Model', 'Limit', 'Dashboard', 'Logs', 'Process']) {
    assert.equal(all.filter((row) => row.startsWith(`  ${word} `)).length, 1, word);
  }
  assert.doesNotMatch(all.join('\n'), /READY|Load weight|w\d+ \|/);
});

test('the next start of a model has an estimate, on 200 × 50', options, async (t) => {
  const args = ['--dp-size', '2', '--sim-startup-secs', '4'];
  const env = { ...SIMULATED, XDG_CACHE_HOME: mkdtempSync(join(tmpdir(), 'cache-')) };
  const first = await TerminalLaunch.open(t, LARGE, args, { env });
  await first.shows(/ready in/);
  assert.doesNotMatch(first.everything.join('\n'), /about/);
  first.press('C-c');
  const next = await TerminalLaunch.open(t, LARGE, args, { env });
  await next.shows(/^w1 .* about \d+ s more$/m);
  await next.shows(/ready in .*: 2 of 2 servers/);
});

for (const size of [SMALL, LARGE]) {
  test(`a start that fails ends with the cause on the screen, on ${size.join(' × ')}`, options, async (t) => {
    const args = ['--dp-size', '3', '--sim-startup-secs', '1', '--sim-startup-fail', 'cuda-graphs'];
    const launch = await TerminalLaunch.open(t, size, args, { env: SIMULATED });
    const rows = await launch.shows(/exit code 1/);
    const text = rows.join('\n');
    assert.match(text, /^error: w\d \(\S+\) did not start: out of GPU memory at start-up/m);
    assert.match(text, /^hint: another program may hold the GPU/m);
    assert.match(text, /^ {2}whole log: \/\S+\.log$/m);
    assert.ok(rowsIn(launch.everything).some((row) => row.includes('✗ ended')));
  });
}

test(
  'a server that dies is told in a line, is on the board until it is ready, and is told again',
  options,
  async (t) => {
    const launch = await TerminalLaunch.open(t, SMALL, ['--dp-size', '2']);
    const started = (await launch.shows(/^w1 .* ready.*ready in/ms)).join('\n');
    await fetch(`http://127.0.0.1:${/^w1 +:(\d+)/m.exec(started)?.[1]}/die`).catch(() => {});
    await launch.shows(/WARNING +w1 .* died:.*1\s+of\s+2\s+go\s+on;.*restart\s+1\s+of\s+5\s+in/s);
    const after = await launch.shows(/INFO +w1 is back: 2 of 2, started in/);
    assert.deepEqual(rowsIn(after.slice(after.findIndex((row) => row.includes('died:')))), []);
  },
);

test('a rolling restart shows each server in turn', options, async (t) => {
  const launch = await TerminalLaunch.open(t, SMALL, ['--dp-size', '2', '--sim-startup-secs', '1'], { env: SIMULATED });
  const [, pid] = /Process +(\d+)/.exec((await launch.shows(/ready in.*Process/s)).join('\n')) ?? [];
  process.kill(Number(pid), 'SIGUSR2');
  for (const name of ['w0', 'w1']) {
    await launch.shows(new RegExp(`^${name} +:\\d+ .*(?:is stopped|starting|weights)`, 'm'));
    await launch.shows(new RegExp(`INFO +${name} is back: 2 of 2`));
  }
  const done = await launch.shows(/rolling restart done: 2 servers/);
  assert.match(done.at(-1) ?? '', /rolling restart done/);
});

test('Ctrl-C without requests: stopped', options, async (t) => {
  const launch = await TerminalLaunch.open(t, SMALL, ['--dp-size', '2']);
  await launch.shows(/ready in/);
  launch.press('C-c');
  const rows = await launch.shows(/exit code 0/);
  assert.match(rows.at(-2) ?? '', /INFO +stopped$/);
  assert.doesNotMatch(rows.join('\n'), /\^C|^stopping/m);
});

test('Ctrl-C with a request counts down what it waits for; a second one ends at once', options, async (t) => {
  const args = ['--dp-size', '2', '--sim-decode-base-ms', '1000'];
  const launch = await TerminalLaunch.open(t, SMALL, args, { env: SIMULATED });
  await launch.shows(/ready in/);
  const asked = ask(launch.url).catch(() => {});
  await launch.shows(/ready in/);
  while (!(await (await fetch(`${launch.url}/metrics`)).text()).match(/running_requests\S* 1$/m));
  launch.press('C-c');
  const counts = async (least: string) =>
    launch.shows(new RegExp(`^stopping: 1 request in flight, ${least} s at most; Ctrl-C again ends at once$`, 'm'));
  await counts('1[78]\\d');
  await counts('17[0-8]');
  launch.press('C-c');
  const rows = await launch.shows(/exit code 130/);
  assert.match(rows.join('\n'), /WARNING +stopped at once requestsCutOff=1/);
  await asked;
});

test('a request has one row, with the colour of its status', options, async (t) => {
  const launch = await TerminalLaunch.open(t, [100, 30], ['--dp-size', '1'], { env: SIMULATED });
  await launch.shows(/ready in/);
  await (await ask(launch.url)).text();
  await (await fetch(`${launch.url}/${'no-such-path/'.repeat(20)}`)).text();
  const rows = await launch.shows(/ 404 /);
  assert.match(rows.join('\n'), /^\S+ 200 +POST \/generate +w0 .* tok$/m);
  assert.match(rows.join('\n'), /^\S+ 404 +GET \/no-such-path\/\S+… {2}w0 /m);
  assert.ok(launch.coloured.includes(`${ESC}[32m200`));
  assert.ok(launch.coloured.includes(`${ESC}[33m404`));
});

test('NO_COLOR takes the colours away, and nothing else', options, async (t) => {
  const launch = await TerminalLaunch.open(t, SMALL, ['--dp-size', '2'], { env: { NO_COLOR: '1' } });
  await launch.shows(/ready in/);
  assert.ok(!launch.coloured.includes(ESC));
  assert.equal(rowsIn(launch.everything).length, 2);
});

for (const [name, env] of [
  ['TERM=dumb', { TERM: 'dumb' }],
  ['CI=true', { CI: 'true' }],
] as const) {
  test(`${name}: lines, no board`, options, async (t) => {
    const launch = await TerminalLaunch.open(t, SMALL, ['--dp-size', '2'], { env });
    await launch.shows(/ready in/);
    const all = launch.everything;
    assert.deepEqual(rowsIn(all), []);
    assert.ok(all.some((row) => /^w0 warm-up \(\d+\.\d s\)$/.test(row)));
    assert.doesNotMatch(all.join('\n'), /READY/);
  });
}

test('a terminal that is resized while servers start shows one board', options, async (t) => {
  const args = ['--dp-size', '4', '--sim-startup-secs', '4'];
  const launch = await TerminalLaunch.open(t, SMALL, args, { env: SIMULATED });
  await launch.shows(/^w3 .* weights/m);
  launch.resize(50, 14);
  await launch.shows(/^w3 .* CUDA graphs/m);
  launch.resize(120, 40);
  await launch.shows(/ready in/);
  assert.equal(rowsIn(launch.screen).length, 4, launch.screen.join('\n'));
});

test('through a pipe: the line for scripts, and the log in one format', options, async (t) => {
  const launch = await TerminalLaunch.open(t, LARGE, ['--dp-size', '2'], { after: ' 2>&1 | cat' });
  await launch.shows(/READY/);
  const lines = launch.everything.join('').split(/(?=\{"time")|(?=READY )/);
  for (const line of lines.filter((text) => !text.startsWith('READY '))) assert.ok('message' in JSON.parse(line), line);
  assert.equal(lines.filter((text) => text.startsWith('READY ')).length, 1);
});
