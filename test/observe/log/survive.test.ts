import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

/** What a program that survives its errors writes to standard error when `statement` runs in it. */
function written(statement: string): string {
  const source = (path: string) => new URL(`../../../src/${path}`, import.meta.url).href;
  const script = `
    import { writeSync } from 'node:fs';
    import { surviveErrors } from '${source('observe/log/survive.ts')}';
    import { createLog } from '${source('observe/log/log.ts')}';
    surviveErrors(createLog('info', (line) => writeSync(1, line)));
    setImmediate(() => { ${statement} });
    setTimeout(() => writeSync(1, 'goes on'), 20);`;
  return execFileSync(process.execPath, ['--input-type=module-typescript', '-e', script], { encoding: 'utf8' });
}

test('an error that nobody caught is logged, and the program goes on', () => {
  assert.match(written("throw new TypeError('boom')"), /CRITICAL .*uncaughtException.*boom[\s\S]*goes on$/);
});

test('that nobody reads what is written is not written again', () => {
  for (const code of ['EPIPE', 'EIO']) {
    assert.equal(
      written(`throw Object.assign(new Error('write ${code}'), { code: '${code}', syscall: 'write' })`),
      'goes on',
    );
  }
});
