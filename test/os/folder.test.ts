import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { requireFolder, temporaryFolder } from '../../src/os/folder.ts';

const onLinux = { skip: process.platform !== 'linux' };

function scratch() {
  const path = mkdtempSync(join(tmpdir(), 'folder-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

test('a folder is made with those above it, and nothing is left of the check', () => {
  using dir = scratch();
  const path = join(dir.path, 'a', 'b');
  requireFolder(path, '--out');
  requireFolder(path, '--out');
  assert.ok(statSync(path).isDirectory());
  assert.deepEqual(readdirSync(path), []);
});

test('what is no folder, or has a file above it, is refused in plain words', () => {
  using dir = scratch();
  const file = join(dir.path, 'file');
  writeFileSync(file, '');
  symlinkSync('loop', join(dir.path, 'loop'));
  for (const [path, words] of [
    [file, /something that is no folder has that name$/],
    [join(file, 'below'), /something that is no folder has that name$/],
    [join(dir.path, 'loop'), /its symbolic links form a loop$/],
    [join(dir.path, 'x'.repeat(300)), /the path is too long$/],
  ] as const) {
    assert.throws(() => requireFolder(path, '--out'), { code: 'usage', exitCode: 2, message: words });
    assert.throws(() => requireFolder(path, '--out'), { message: /^--out: files cannot be written to / });
  }
});

test('no folder can be made below /proc and none in /sys: an error at once rather than a loop', onLinux, () => {
  for (const path of ['/proc/nope', '/proc/nope/deeper', '/proc', '/sys/nope'])
    assert.throws(() => requireFolder(path, '--out'), { code: 'usage', message: /^--out: .*: [a-z -]+$/ }, path);
});

test('a folder without permission to write is refused', { skip: process.getuid?.() === 0 }, () => {
  using dir = scratch();
  chmodSync(dir.path, 0o500);
  assert.throws(() => requireFolder(dir.path, '--out'), { message: /this user may not write there$/ });
});

test('a temporary folder is fresh and private; without a place for it the hint says what to do', (t) => {
  using dir = scratch();
  const before = process.env.TMPDIR;
  t.after(() => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  });
  process.env.TMPDIR = dir.path;
  const path = temporaryFolder('ours-', 'a hint');
  assert.ok(path.startsWith(join(dir.path, 'ours-')));
  assert.equal(statSync(path).mode & 0o777, 0o700);
  process.env.TMPDIR = join(dir.path, 'missing');
  assert.throws(() => temporaryFolder('ours-', 'a hint'), {
    code: 'usage',
    hint: 'a hint',
    message: /missing: no folder/,
  });
});
