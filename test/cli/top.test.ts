import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Check } from 'typebox/schema';
import type { Snapshot } from '../../src/dashboard/snapshot.ts';
import { startSim } from '../helpers/sim.ts';
import { testRouter } from '../helpers/test-router.ts';

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const SCHEMA = new URL('../../docs/ps.schema.json', import.meta.url);
const KEY = 'a-key-of-the-router';
const withoutTmux = spawnSync('tmux', ['-V']).error ? 'no tmux here: install the package tmux' : false;

/** A terminal of that size in which `top` runs between two lines of a shell. */
async function openTop(t: TestContext, url: string, columns: number, rows: number) {
  const socket = `top-${randomUUID()}`;
  const tmux = async (...args: string[]) => (await run('tmux', ['-L', socket, '-f', '/dev/null', ...args])).stdout;
  const top = `"${process.execPath}" "${MAIN}" top --url ${url}`;
  const script = `echo before; modes=$(stty -g); ${top}; echo "ended with $?"; [ "$(stty -g)" = "$modes" ] && echo as before; sleep 100`;
  await tmux('new-session', '-d', '-x', String(columns), '-y', String(rows), script);
  t.after(() => tmux('kill-server').catch(() => {}));
  const screen = () => tmux('capture-pane', '-p');
  const shows = async (pattern: RegExp) => {
    for (;;) {
      const text = await screen();
      if (pattern.test(text)) return text;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  return { shows, press: (key: string) => tmux('send-keys', key), tmux };
}

const command = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  run(process.execPath, [MAIN, ...args], { env: { ...process.env, ...env } }).catch(
    (error: { code: number; stdout: string; stderr: string }) => error,
  );

for (const [columns, rows, key] of [
  [80, 24, 'q'],
  [200, 50, 'C-c'],
] as const) {
  test(`top fills ${columns} × ${rows}, follows what happens, and leaves the terminal as it was at ${key}`, {
    skip: withoutTmux,
  }, async (t) => {
    await using sim = await startSim();
    await using router = await testRouter([sim.url], [], { policy: 'cache_aware' });
    const { shows, press } = await openTop(t, router.url, columns, rows);
    const text = await shows(/● ready/);
    assert.equal(text.trimEnd().split('\n').length, rows);
    assert.doesNotMatch(text, /before/);
    await fetch(`${router.url}/generate`, {
      method: 'POST',
      body: '{"text":"hello","sampling_params":{"max_new_tokens":2}}',
    });
    await shows(/cache_aware: \w+.*✔ 200/);
    await router.router.registry.remove(sim.url);
    await shows(/0 of 0 workers/);
    await press(key);
    const after = await shows(/as before/);
    assert.match(after, /before\s+ended with 0\s+as before/);
    assert.doesNotMatch(after, /sglang|workers/);
  });
}

test('top says when the router is gone, and goes on when it is back', { skip: withoutTmux }, async (t) => {
  const first = await testRouter([]);
  const { port } = new URL(first.url);
  const { shows, press } = await openTop(t, first.url, 80, 24);
  await shows(/no workers/);
  await first[Symbol.asyncDispose]();
  await shows(/trying again/);
  await using again = await testRouter([], [], { port: Number(port) });
  await shows(/q quit +↑ ↓ scroll/);
  assert.equal(new URL(again.url).port, port);
  await press('q');
  await shows(/ended with 0/);
});

test('top follows the size of the terminal', { skip: withoutTmux }, async (t) => {
  await using router = await testRouter([]);
  const { shows, tmux } = await openTop(t, router.url, 80, 24);
  await shows(/no workers/);
  await tmux('resize-window', '-x', '100', '-y', '30');
  await shows(/^(?:.*\n){29}q quit/);
});

test('ps prints the workers once, and as JSON what its schema says', async () => {
  await using sim = await startSim();
  await using router = await testRouter([sim.url]);
  const { stdout } = await command(['ps', '--url', router.url]);
  assert.match(stdout, /^● serving {2}1 of 1 workers .*\n\nWORKER .*\n127\.0\.0\.1:\d+ +● ready/);
  const json = await command(['ps', '--json'], { SGLANG_ROUTER_URL: router.url });
  const snapshot = JSON.parse(json.stdout) as Snapshot;
  assert.ok(Check(JSON.parse(readFileSync(SCHEMA, 'utf8')), snapshot));
  assert.equal(snapshot.workers[0]?.url, sim.url);
});

test('ps takes the key as a flag and from the environment, and says when it is missing', async () => {
  await using router = await testRouter([], [], { apiKey: KEY });
  const asked = ['ps', '--url', router.url];
  const without = await command(asked);
  assert.match(
    without.stderr,
    /error: the router at \S+ wants a key.*\nhint: give it with --api-key, or in SGLANG_ROUTER_API_KEY/,
  );
  assert.match((await command(asked, { SGLANG_ROUTER_API_KEY: KEY })).stdout, /no workers/);
  assert.match((await command([...asked, '--api-key', KEY])).stdout, /no workers/);
});

test('what is wrong is said in one line: no router, no terminal, wrong flags', async () => {
  const nobody = await command(['ps', '--url', 'http://127.0.0.1:9']);
  assert.match(nobody.stderr, /^error: no router answers at http:\/\/127\.0\.0\.1:9: .+\nhint: .*--url\n$/);
  const notTerminal = await command(['top', '--url', 'http://127.0.0.1:9']);
  assert.match(notTerminal.stderr, /^error: expected a terminal .*\nhint: sglang-launch ps .*\n$/);
  assert.match((await command(['ps', '--jsno'])).stderr, /^error: .*--jsno.*\nhint: --help .*\n$/);
  assert.match((await command(['top', '--json'])).stderr, /^error: .*--json/);
  assert.match((await command(['ps', '--url', 'nonsense'])).stderr, /^error: --url: .*nonsense/);
  for (const name of ['top', 'ps'])
    assert.match((await command([name, '--help'])).stdout, /^Usage: sglang-launch \w+ .*--url <url>/s);
});
