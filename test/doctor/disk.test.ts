import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveServer } from '../../src/config/launch.ts';
import { checkDisk } from '../../src/doctor/disk.ts';
import { Machine } from '../../src/doctor/machine.ts';

/** What is found where the logs have that much room, and all else has enough. */
async function withRoom(freeBytes: number, noFilesLeft = false) {
  const { config, launch } = await resolveServer(['--model-path', '/m', '--router-log-dir', '/logs'], {});
  const subject = { config, launch, env: {}, machine: new Machine({}) };
  const findings = await checkDisk(subject, async (path) =>
    path === '/logs' ? { freeBytes, noFilesLeft } : { freeBytes: 1e12, noFilesLeft: false },
  );
  return findings[0];
}

test('a disk that is full, nearly full, and one with room', async () => {
  assert.deepEqual(await withRoom(0), {
    verdict: 'problem',
    text: '/logs: 0 MB free for the logs, at least 100 MB are needed',
    hint: 'free some, or choose another folder with --router-log-dir or TMPDIR',
    facts: { path: '/logs', freeBytes: 0 },
  });
  const nearly = await withRoom(500e6);
  assert.deepEqual(
    [nearly?.verdict, nearly?.text],
    ['warning', '/logs: 500 MB free for the logs, which may not be enough'],
  );
  assert.equal((await withRoom(5e9))?.text, '/logs: 5.0 GB free for the logs');
});

test('a disk with room that takes no more files', async () => {
  const { verdict, text } = (await withRoom(5e9, true)) ?? {};
  assert.deepEqual([verdict, text], ['problem', '/logs takes no more files, though it has room (inodes)']);
});
