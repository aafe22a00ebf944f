import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { DailyFile, type DailyFileOptions } from '../../../src/observe/log/daily-file.ts';

const NOON = Date.parse('2026-11-21T12:00:00Z');
const DAY_MS = 86_400_000;

function folder() {
  const path = mkdtempSync(join(tmpdir(), 'daily-file-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

/** A file on a clock of our own, and what it said of its disk. */
function daily(path: string, options: Partial<DailyFileOptions> = {}) {
  const clock = { nowMs: NOON };
  const said: (string | undefined)[] = [];
  const saying = Promise.withResolvers<void>();
  const changed = (problem: string | undefined) => {
    said.push(problem);
    saying.resolve();
  };
  const file = new DailyFile(path, changed, { now: () => clock.nowMs, ...options });
  return { file, clock, said, saying: saying.promise };
}

test('a day has its file, the next day the next', async () => {
  using dir = folder();
  const { path } = dir;
  const { file, clock } = daily(path);
  file.write('one\n');
  file.write('two\n');
  clock.nowMs += DAY_MS / 2;
  file.write('three\n');
  await file.close();
  assert.deepEqual(readdirSync(path).sort(), ['sgl-router.2026-11-21.log', 'sgl-router.2026-11-22.log']);
  assert.equal(readFileSync(join(path, 'sgl-router.2026-11-21.log'), 'utf8'), 'one\ntwo\n');
  assert.equal(readFileSync(join(path, 'sgl-router.2026-11-22.log'), 'utf8'), 'three\n');
});

test('a file that is full is followed by another of the same day, and only so many stay', async () => {
  using dir = folder();
  writeFileSync(join(dir.path, 'notes.log'), 'not ours');
  const { file } = daily(dir.path, { maxBytes: 10, kept: 3 });
  for (let i = 0; i < 12; i++) file.write(`line ${i} and more\n`);
  await file.close();
  assert.deepEqual(readdirSync(dir.path).sort(), [
    'notes.log',
    'sgl-router.2026-11-21.10.log',
    'sgl-router.2026-11-21.11.log',
    'sgl-router.2026-11-21.9.log',
  ]);
  assert.equal(readFileSync(join(dir.path, 'sgl-router.2026-11-21.11.log'), 'utf8'), 'line 11 and more\n');
});

test('a router started again goes on in the file of the day', async () => {
  using dir = folder();
  for (const text of ['before\n', 'after\n']) {
    const { file } = daily(dir.path, { maxBytes: 1_000 });
    file.write(text);
    await file.close();
  }
  assert.deepEqual(readdirSync(dir.path), ['sgl-router.2026-11-21.log']);
  assert.equal(readFileSync(join(dir.path, 'sgl-router.2026-11-21.log'), 'utf8'), 'before\nafter\n');
});

test('a full disk is said once, and written to again when there is room', {
  skip: process.platform !== 'linux',
}, async () => {
  using dir = folder();
  const path = join(dir.path, 'sgl-router.2026-11-21.log');
  symlinkSync('/dev/full', path);
  const { file, clock, said, saying } = daily(dir.path, { retryMs: 1_000 });
  file.write('lost\n');
  await saying;
  file.write('lost too\n');
  assert.equal(said.length, 1);
  assert.match(said[0] ?? '', /ENOSPC/);
  rmSync(path);
  clock.nowMs += 1_000;
  file.write('kept\n');
  await file.close();
  assert.equal(readFileSync(path, 'utf8'), 'kept\n');
  assert.equal(said.length, 2);
  assert.equal(said[1], undefined);
});

test('a folder that went away is no exception', () => {
  const dir = folder();
  const { file, said } = daily(dir.path);
  dir[Symbol.dispose]();
  file.write('lost\n');
  assert.match(said[0] ?? '', /ENOENT/);
});

test('a slow disk loses lines rather than memory, and the file says so', {
  skip: process.platform === 'win32',
}, async () => {
  using dir = folder();
  const { file } = daily(dir.path);
  const line = `${'x'.repeat(2 ** 20 - 1)}\n`;
  // Nothing reaches the disk before the event loop turns.
  for (let i = 0; i < 12; i++) file.write(line);
  const path = join(dir.path, 'sgl-router.2026-11-21.log');
  while (statSync(path).size <= 8 * 2 ** 20) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    file.write('after\n');
  }
  await file.close();
  const text = readFileSync(path, 'utf8');
  assert.match(text.slice(8 * 2 ** 20), /^\[\d+ bytes left out here: the disk was too slow\]\n(after\n)+$/);
});
