import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort } from '../helpers/spawn-router.ts';
import { spawnSim } from '../helpers/spawn-sim.ts';
import { options, TerminalLaunch } from '../helpers/tmux.ts';

const SMALL = [80, 24] as const;

test('a router alone has one banner: its URL, each worker, what they serve, a request to paste', options, async (t) => {
  await using engine = spawnSim();
  const [url, nobody] = [await engine.url(), `http://127.0.0.1:${await freePort()}`];
  const launch = await TerminalLaunch.openRouter(t, SMALL, ['--worker-urls', url, nobody]);
  const rows = await launch.shows(/-d '\{"text": /);
  const from = rows.findIndex((row) => /^ {2}ready: 1 of 2 workers$/.test(row));
  const labels = rows.slice(from + 2).map((row) => row.slice(2, 11).trim());
  const wanted = ['Local', 'Network', 'Workers', '', 'Policy', 'Model', 'Limit', 'Dashboard', 'Process'];
  assert.deepEqual(labels.slice(0, wanted.length), wanted, rows.join('\n'));
  const text = rows.slice(from).join('\n');
  assert.ok(text.includes(`  Local      ${launch.url}\n`));
  assert.ok(text.includes(`  Workers    ${url}\n             ${nobody}  connect ECONNREFUSED`));
  assert.match(text, /^ {2}Model {6}simulated$/m);
  assert.match(text, /^ {2}curl \S+\/generate -H 'content-type: application\/json' \\$/m);
  const answer = await fetch(`${launch.url}/generate`, {
    method: 'POST',
    body: '{"text": "The capital of France is"}',
  });
  assert.equal(answer.status, 200);
});

test('a router whose workers are not up says that requests wait; Ctrl-C ends it', options, async (t) => {
  const nobody = `http://127.0.0.1:${await freePort()}`;
  const launch = await TerminalLaunch.openRouter(t, SMALL, ['--worker-urls', nobody, '--api-key', 'sk-router']);
  await launch.shows(/^ {2}waiting for workers: 0 of 1 workers are ready$/m);
  await launch.shows(/^ {4}-H "authorization: Bearer \$API_KEY" \\$/m);
  launch.press('C-c');
  await launch.shows(/exit code 0/);
});

test('through a pipe there is no banner, and the log is JSON', options, async (t) => {
  const launch = await TerminalLaunch.openRouter(t, [200, 50], [], ' 2>&1 | cat');
  await launch.shows(/router listens on/);
  await fetch(`${launch.url}/health`);
  for (const line of launch.everything.join('').split(/(?=\{"time")/)) assert.ok('message' in JSON.parse(line), line);
});
