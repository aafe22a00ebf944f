import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ExitError } from '../../../src/errors/errors.ts';
import { holdsLines, RotatingFile, type RotatingFileOptions } from '../../../src/observe/traffic/rotating-file.ts';

const folder = () => mkdtempSync(join(tmpdir(), 'rotating-'));

function opened(path: string, options: Partial<RotatingFileOptions> = {}) {
  const told = { written: 0, dropped: 0, reasons: new Set<string>() };
  const turn = { event: Promise.withResolvers<void>() };
  const next = () => {
    turn.event.resolve();
    turn.event = Promise.withResolvers<void>();
  };
  const watcher = {
    written: (lines: number) => {
      told.written += lines;
      next();
    },
    dropped: (lines: number, reason: string) => {
      told.dropped += lines;
      told.reasons.add(reason);
      next();
    },
  };
  const file = new RotatingFile(path, { maxBytes: 1_000, files: 3, delayMs: 1, ...options }, watcher);
  return { file, told, event: () => turn.event.promise };
}

test('lines are written together, and only its user reads them', async () => {
  const path = join(folder(), 'trace');
  const { file, told, event } = opened(path);
  for (const line of ['one', 'two']) file.write(line);
  await event();
  assert.equal(readFileSync(path, 'utf8'), 'one\ntwo\n');
  file.write('three');
  await file.close();
  assert.equal(readFileSync(path, 'utf8'), 'one\ntwo\nthree\n');
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual([told.written, told.dropped], [3, 0]);
});

test('a full file is put aside; so many are kept, of bounded size', async () => {
  const place = folder();
  const { file, event } = opened(join(place, 'trace'));
  for (let i = 0; i < 20; i++) {
    file.write(String(i).padEnd(399, '.'));
    await event();
  }
  await file.close();
  assert.deepEqual(readdirSync(place).sort(), ['trace', 'trace.1', 'trace.2']);
  const first = (name: string) => readFileSync(join(place, name), 'utf8').split('.')[0];
  assert.deepEqual(['trace', 'trace.1', 'trace.2'].map(first), ['18', '16', '14']);
  for (const name of readdirSync(place)) assert.ok(statSync(join(place, name)).size <= 1_000);
});

test('with one file, it begins anew', async () => {
  const place = folder();
  const { file, event } = opened(join(place, 'trace'), { files: 1 });
  for (let i = 0; i < 3; i++) {
    file.write(String(i).padEnd(599, '.'));
    await event();
  }
  await file.close();
  assert.deepEqual(readdirSync(place), ['trace']);
  assert.match(readFileSync(join(place, 'trace'), 'utf8'), /^2/);
});

test('what does not fit into memory while the disk is slow is left out, and counted', async () => {
  const path = join(folder(), 'trace');
  const { file, told } = opened(path, { bufferBytes: 1_000, delayMs: 60_000 });
  for (let i = 0; i < 20; i++) file.write('x'.repeat(99));
  assert.equal(told.dropped, 10);
  await file.close();
  assert.deepEqual([told.written, [...told.reasons]], [10, ['the disk was too slow']]);
  file.write('late');
  assert.equal(told.dropped, 11);
});

test('a folder that goes away costs the lines of that time; they are written again when it is back', async () => {
  const place = join(folder(), 'sub');
  mkdirSync(place);
  const { file, told, event } = opened(join(place, 'trace'), { retryMs: 0 });
  rmSync(place, { recursive: true });
  file.write('lost');
  await event();
  assert.deepEqual([told.written, told.dropped], [0, 1]);
  mkdirSync(place);
  file.write('kept');
  await event();
  await file.close();
  assert.equal(readFileSync(join(place, 'trace'), 'utf8'), 'kept\n');
});

test('nothing but such a file is ever put aside', () => {
  const place = folder();
  const holds = (path: string) => holdsLines(path, '--record-trace', /^\{"timestamp":/);
  const path = (name: string, content: string) => {
    writeFileSync(join(place, name), content);
    return join(place, name);
  };
  assert.equal(holds(path('empty', '')), false);
  assert.equal(holds(join(place, 'new')), false);
  assert.equal(holds(path('trace', '{"timestamp":1')), true);
  const refused = (file: string, pattern: RegExp) =>
    assert.throws(
      () => holds(file),
      (error) => error instanceof ExitError && error.code === 'usage' && pattern.test(error.message),
    );
  refused(path('letter', 'Dear all,\n'), /--record-trace .*letter: a file is there that is no trace/);
  refused(place, /expected the name of a file/);
  refused('/dev/null', /expected the name of a file/);
  refused(join(place, 'no', 'where'), /no/);
});
