import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { follow, lastLines } from '../../src/launch/log-reader.ts';

const file = (text: string) => {
  const path = join(mkdtempSync(join(tmpdir(), 'log-')), 'w0.log');
  writeFileSync(path, text);
  return path;
};

async function whole(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts).toString();
}

test('the last lines, however many there are', async () => {
  const path = file('a\nb\nc\n');
  assert.equal(await whole(lastLines(path, 1)), 'c\n');
  assert.equal(await whole(lastLines(path, 2)), 'b\nc\n');
  assert.equal(await whole(lastLines(path, 3)), 'a\nb\nc\n');
  assert.equal(await whole(lastLines(path, Number.POSITIVE_INFINITY)), 'a\nb\nc\n');
  assert.equal(await whole(lastLines(file('a\nb'), 1)), 'b');
  assert.equal(await whole(lastLines(file(''), 5)), '');
});

test('lines are found across the pieces in which a big file is read', async () => {
  const lines = Array.from({ length: 40_000 }, (_, index) => `line ${index} é\n`);
  const path = file(lines.join(''));
  for (const count of [1, 5_000, 39_999]) {
    assert.equal(await whole(lastLines(path, count)), lines.slice(-count).join(''));
  }
});

test('followed is what is written later, also after the file was renamed and begun again, to the end', async () => {
  const path = file('old\nlast\n');
  let over = false;
  const chunks = follow(path, 1, () => over);
  const next = async () => Buffer.from((await chunks.next()).value ?? '').toString();
  assert.equal(await next(), 'last\n');
  appendFileSync(path, 'more\n');
  assert.equal(await next(), 'more\n');
  appendFileSync(path, 'end of the first\n');
  renameSync(path, `${path}.1`);
  writeFileSync(path, 'second\n');
  assert.equal(await next(), 'end of the first\n');
  assert.equal(await next(), 'second\n');
  appendFileSync(path, 'the very last\n');
  over = true;
  assert.equal(await whole(chunks), 'the very last\n');
});

test('a file that is not there', async () => {
  await assert.rejects(whole(lastLines('/no/such/file', 1)), { code: 'ENOENT' });
});
