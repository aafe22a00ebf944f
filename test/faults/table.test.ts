import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '../..');
const table = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8');

test('every test in the table of faults exists', () => {
  const named = [...table.matchAll(/`([\w./-]+\.ts) › ([^`]+)`/g)].map(([, file = '', name = '']) => ({ file, name }));
  assert.ok(named.length > 60, `${named.length} tests are named`);
  const missing = named.filter(({ file, name }) => {
    const path = join(ROOT, file);
    return !existsSync(path) || !readFileSync(path, 'utf8').includes(name);
  });
  assert.deepEqual(missing, []);
});

test('every numbered test of this folder is in the table', () => {
  const rows = new Set([...table.matchAll(/^\| (\d+) \|/gm)].map(([, number]) => number));
  for (const name of readdirSync(import.meta.dirname).filter((one) => one.endsWith('.test.ts'))) {
    const text = readFileSync(join(import.meta.dirname, name), 'utf8');
    for (const [, number] of text.matchAll(/^ *test\(\s*['"`](?:\(\d+\) )?\((\d+)\)/gm)) {
      assert.ok(rows.has(number), `(${number}) of ${name}`);
    }
  }
});
