import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createLogFolder, removeOldLogFolders } from '../../src/launch/log-folder.ts';

const NOW_MS = Date.parse('2026-11-21T08:20:28Z');
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** No process has it: beyond the highest that Linux gives out. */
const NOBODY = 2 ** 22 + 1;

function place(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'log-folders-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

/** A folder of a launch, last written to so long ago. */
function left(parent: string, name: string, agoMs: number, { pid = NOBODY, files = ['w0.log'] } = {}): void {
  const path = join(parent, `sglang-launch-${name}`);
  mkdirSync(path);
  writeFileSync(join(path, 'launcher.pid'), `${pid}\n`);
  for (const file of files) writeFileSync(join(path, file), 'a line\n');
  const seconds = (NOW_MS - agoMs) / 1000;
  for (const file of readdirSync(path)) utimesSync(join(path, file), seconds, seconds);
  utimesSync(path, seconds, seconds);
}

const namesIn = (parent: string) =>
  readdirSync(parent)
    .map((name) => name.replace('sglang-launch-', ''))
    .sort();

test('each launch has a fresh folder', (t) => {
  const parent = place(t);
  const now = new Date(NOW_MS);
  const [first, second] = [createLogFolder(parent, now), createLogFolder(parent, now)];
  assert.notEqual(first, second);
  assert.ok(first.startsWith(join(parent, 'run-2026-11-21-082028-')));
  assert.deepEqual(readdirSync(first), []);
});

test('a temporary one says whose it is', (t) => {
  const folder = createLogFolder(undefined);
  t.after(() => rmSync(folder, { recursive: true }));
  assert.equal(readFileSync(join(folder, 'launcher.pid'), 'utf8'), `${process.pid}\n`);
});

test('a week after its last line the folder of an ended launch is removed, that of a running one is not', async (t) => {
  const parent = place(t);
  left(parent, 'old111', 8 * DAY_MS, { files: ['w0.log', 'w0.log.1', 'prefill12.log'] });
  left(parent, 'new111', 6 * DAY_MS);
  left(parent, 'runs11', 8 * DAY_MS, { pid: process.pid });
  assert.equal(await removeOldLogFolders(parent, NOW_MS), 1);
  assert.deepEqual(namesIn(parent), ['new111', 'runs11']);
});

test('a launch that is started again and again leaves twenty, and what was written in the last hour', async (t) => {
  const parent = place(t);
  for (let index = 10; index < 50; index++) left(parent, `loop${index}`, (index - 9) * 10 * 60_000);
  await removeOldLogFolders(parent, NOW_MS);
  assert.deepEqual(
    namesIn(parent),
    Array.from({ length: 20 }, (_, index) => `loop${index + 10}`),
  );
});

test('what is not of a launch stays: links, other names, folders with files of somebody', async (t) => {
  const parent = place(t);
  const target = place(t);
  left(target, 'target', 9 * DAY_MS);
  symlinkSync(join(target, 'sglang-launch-target'), join(parent, 'sglang-launch-link11'));
  left(parent, 'toolongname', 9 * DAY_MS);
  left(parent, 'notes1', 9 * DAY_MS, { files: ['w0.log', 'notes.txt'] });
  assert.equal(await removeOldLogFolders(parent, NOW_MS), 0);
  assert.deepEqual(namesIn(parent), ['link11', 'notes1', 'toolongname']);
  assert.deepEqual(readdirSync(join(target, 'sglang-launch-target')).sort(), ['launcher.pid', 'w0.log']);
});

test('a place that is not there, or in which others may rename folders, is left alone', async (t) => {
  const parent = place(t);
  const open = join(parent, 'open');
  mkdirSync(open);
  left(open, 'old111', 9 * DAY_MS);
  chmodSync(open, 0o777);
  assert.equal(await removeOldLogFolders(open, NOW_MS), 0);
  assert.equal(await removeOldLogFolders(join(parent, 'missing'), NOW_MS), 0);
  chmodSync(open, 0o1777);
  assert.equal(await removeOldLogFolders(open, NOW_MS), 1);
});
