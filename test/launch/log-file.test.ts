import assert from 'node:assert/strict';
import { mkdtemp, readFile, stat, symlink, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { LogFile } from '../../src/launch/log-file.ts';

const folder = () => mkdtemp(join(tmpdir(), 'log-file-'));

test('everything written is there after close', async () => {
  const path = join(await folder(), 'w0.log');
  const file = new LogFile(path, assert.fail);
  file.write(Buffer.from('one\n'));
  file.write(Buffer.from('two'));
  await file.close();
  assert.equal(await readFile(path, 'utf8'), 'one\ntwo');
  assert.equal((await stat(path)).mode & 0o077, 0);
});

test('a file that grew too large makes room for a new one', async () => {
  const path = join(await folder(), 'w0.log');
  const file = new LogFile(path, assert.fail, 8);
  file.write(Buffer.from('0123456789'));
  file.write(Buffer.from('next'));
  await file.close();
  assert.equal(await readFile(path, 'utf8'), 'next');
  assert.equal(await readFile(`${path}.1`, 'utf8'), '0123456789');
});

test('a file that cannot be written is said once and ends nothing', async () => {
  const problems: string[] = [];
  const file = new LogFile(join(await folder(), 'missing', 'w0.log'), (problem) => problems.push(problem));
  file.write(Buffer.from('one'));
  await file.close();
  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? '', /ENOENT/);
});

test('(42) a full disk is said once and ends nothing', async () => {
  const problems: string[] = [];
  const said = Promise.withResolvers<void>();
  const file = new LogFile('/dev/full', (problem) => {
    problems.push(problem);
    said.resolve();
  });
  file.write(Buffer.from('one'));
  await said.promise;
  file.write(Buffer.from('two'));
  await file.close();
  assert.deepEqual(problems, ['ENOSPC: no space left on device, write']);
});

test('a disk that was full is written to again, and the file says what is missing', async () => {
  const path = join(await folder(), 'w0.log');
  await symlink('/dev/full', path);
  const problems: string[] = [];
  const said = Promise.withResolvers<void>();
  const failed = (problem: string) => {
    problems.push(problem);
    said.resolve();
  };
  const file = new LogFile(path, failed, 1_000, 0);
  file.write(Buffer.from('lost'));
  await said.promise;
  await unlink(path);
  file.write(Buffer.from('kept\n'));
  await file.close();
  file.write(Buffer.from('too late'));
  assert.equal(problems.length, 1);
  assert.equal(await readFile(path, 'utf8'), 'kept\n');
});
