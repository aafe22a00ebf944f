import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const BIN = join(import.meta.dirname, '../../python/sglang_router/_bin');
/** Makes a Node say that it is an old one. */
const OLD = `data:text/javascript,${encodeURIComponent(
  "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } })",
)}`;

for (const program of ['sglang-launch', 'sglang-router']) {
  test(`${program} on an old Node, or where it was never built, ends with one line that says what to do`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'entry-'));
    try {
      cpSync(BIN, join(folder, '_bin'), { recursive: true });
      const path = join(folder, '_bin', `${program}.mjs`);
      const run = (...args: string[]) => spawnSync(process.execPath, [...args, path, '--sim'], { encoding: 'utf8' });
      const old = run('--import', OLD);
      assert.equal(old.status, 1);
      assert.match(
        old.stderr,
        /^error: expected Node 24 or newer, got Node 20\.1\.0 \(.*\); install a newer one, .*\n$/,
      );
      const unbuilt = run();
      assert.equal(unbuilt.status, 1);
      assert.match(unbuilt.stderr, /^error: expected a program that is built, .*: npm ci && npm run build\n$/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}
