import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { findLaunches, forgetOldLaunches, type Launch, LaunchFile } from '../../src/launch/launch-file.ts';
import { identityOf } from '../../src/os/process-identity.ts';

const NAME = `sglang-launches-${process.getuid?.()}`;
let place = '';

beforeEach(() => {
  place = mkdtempSync(join('/tmp', 'launch-file-'));
  process.env.TMPDIR = place;
});

/** The file of a launch that ended long ago. */
function ended(pid: number, change: Partial<Launch> = {}): string {
  const folder = join(place, NAME);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const launcher = { ...identityOf(process.pid)!, pid, started: 1 };
  const launch: Launch = {
    ...{ launcher, url: 'http://a', logFolder: place, servers: [], startedAt: new Date(pid).toISOString() },
    ...change,
  };
  const path = join(folder, `${pid}-1.json`);
  writeFileSync(path, JSON.stringify(launch));
  return path;
}

test('a launch is found while it runs, and one that ended after it', () => {
  const file = LaunchFile.open({ url: 'http://127.0.0.1:1', logFolder: place });
  file.write([{ name: 'w0', url: 'http://127.0.0.1:2', logPath: '/w0.log', process: undefined }]);
  ended(7);
  const [own, other] = findLaunches();
  assert.deepEqual([own?.running, own?.launcher.pid, own?.servers[0]?.name], [true, process.pid, 'w0']);
  assert.deepEqual([other?.running, other?.launcher.pid], [false, 7]);
});

test('what no launch wrote is passed over', () => {
  const good = ended(7);
  for (const [index, text] of ['', '{', 'null', '[]', '{"launcher":{}}', '"x"'].entries()) {
    writeFileSync(join(place, NAME, `bad${index}.json`), text);
  }
  assert.deepEqual(
    findLaunches().map(({ path }) => path),
    [good],
  );
});

test('a folder behind a link, or that others own, is neither read nor written', {
  skip: process.getuid?.() !== 0,
}, () => {
  const elsewhere = mkdtempSync(join(place, 'elsewhere-'));
  symlinkSync(elsewhere, join(place, NAME));
  assert.deepEqual(findLaunches(), []);
  assert.throws(() => LaunchFile.open({ url: '', logFolder: '' }), /is not a folder of this user alone/);
});

test('a folder that is open to others is closed', () => {
  const folder = join(place, NAME);
  mkdirSync(folder);
  chmodSync(folder, 0o777);
  ended(7);
  assert.deepEqual(findLaunches(), []);
  LaunchFile.open({ url: '', logFolder: '' });
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  assert.equal(findLaunches().length, 1);
});

test('launches are forgotten with their logs, and beyond the newest 20', () => {
  const lost = ended(5, { logFolder: join(place, 'gone') });
  writeFileSync(lost.replace('.json', '.sock'), '');
  for (let pid = 100; pid < 125; pid++) ended(pid);
  const file = LaunchFile.open({ url: '', logFolder: join(place, 'gone') });
  file.write([]);
  forgetOldLaunches();
  assert.ok(!existsSync(lost));
  assert.equal(readdirSync(join(place, NAME)).length, 21);
  assert.deepEqual(
    findLaunches().map(({ launcher }) => launcher.pid),
    [process.pid, ...Array.from({ length: 20 }, (_, index) => 124 - index)],
  );
});
