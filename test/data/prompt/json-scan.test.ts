import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findFields, stringAt } from '../../../src/data/prompt/json-scan.ts';
import { seededRandom } from '../../helpers/seeded-random.ts';

const KEYS = ['text', 'messages', 'user', 'a', 'é"\\', ''];
const WANTED = new Set(KEYS);

/** The fields as JSON: what the spans hold, parsed. */
function scan(text: string | Buffer): Record<string, unknown> | undefined {
  const bytes = Buffer.from(text);
  const fields = findFields(bytes, WANTED);
  if (!fields) return undefined;
  const entries = [...fields].map(([key, { start, end }]) => [key, JSON.parse(bytes.toString('utf8', start, end))]);
  return Object.fromEntries(entries) as Record<string, unknown>;
}

function wantedOf(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([key]) => WANTED.has(key)));
}

/** Random JSON, also with what parsers stumble over: escapes, brackets in strings, deep nesting, long strings. */
function randomValue(random: () => number, depth: number): unknown {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const kind = depth > 3 ? random() * 5 : random() * 8;
  if (kind < 1) return pick([null, true, false, 0, -1.5e-7, 12345678901]);
  if (kind < 5) {
    const parts = Array.from({ length: Math.floor(random() * 12) }, () =>
      pick(['"', '\\', '\\"', '}', ']', '{"text":', 'word ', 'é', '😀', '\n', '\u0000', ',', ':', 'x'.repeat(70)]),
    );
    return parts.join('');
  }
  const length = Math.floor(random() * 5);
  if (kind < 6.5) return Array.from({ length }, () => randomValue(random, depth + 1));
  return randomObject(random, depth + 1);
}

function randomObject(random: () => number, depth = 0): Record<string, unknown> {
  const names = [...KEYS, 'model', 'other "key"', 'max_tokens'];
  const length = Math.floor(random() * 8);
  return Object.fromEntries(
    Array.from({ length }, () => [names[Math.floor(random() * names.length)]!, randomValue(random, depth)]),
  );
}

test('finds in random JSON, however spaced, what JSON.parse finds', () => {
  const random = seededRandom(11);
  for (let i = 0; i < 3000; i++) {
    const value = randomObject(random);
    for (const indent of [undefined, 1, '\t'])
      assert.deepEqual(scan(JSON.stringify(value, null, indent)), wantedOf(value));
  }
});

test('random and broken bytes are never an error', () => {
  const random = seededRandom(12);
  for (let i = 0; i < 5000; i++) {
    const whole = Buffer.from(JSON.stringify(randomObject(random)));
    const bytes = whole.subarray(0, Math.floor(random() * (whole.length + 1)));
    for (let n = random() * 4; n > 1; n--) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    const fields = findFields(bytes, WANTED);
    for (const { start, end } of fields?.values() ?? []) assert.ok(start < end && end <= bytes.length);
  }
});

test('of a key given twice the last counts, and escapes in a key are read', () => {
  assert.deepEqual(scan('{"text":1,"a":2,"text":3}'), { text: 3, a: 2 });
  assert.deepEqual(scan('{"te\\u0078t":"yes"}'), { text: 'yes' });
});

test('what is no object has no fields', () => {
  for (const text of ['', ' ', '[]', '"text"', '17', 'text=hello', '--boundary\r\n{"text":1}']) {
    assert.equal(findFields(Buffer.from(text), WANTED), undefined, text);
  }
  assert.deepEqual(scan(' { } '), {});
});

test('what does not end, or lacks a part, has none either', () => {
  const broken = [
    '{',
    '{"text"',
    '{"text":',
    '{"text":"a',
    '{"text":"a\\"}',
    '{"text":[1,{"a":2}',
    '{"text":1',
    '{"text" 1}',
    '{"text":1 "a":2}',
    '{"text":}',
    '{text:1}',
  ];
  for (const text of broken) assert.equal(findFields(Buffer.from(text), WANTED), undefined, text);
});

test('a string is read where it lies, and nothing else is', () => {
  const text = '{"user":"M\\u00fcller","a":7}';
  const fields = findFields(Buffer.from(text), WANTED)!;
  assert.equal(stringAt(Buffer.from(text), fields.get('user')!), 'Müller');
  assert.equal(stringAt(Buffer.from(text), fields.get('a')!), undefined);
});

test('a key longer than any that is looked for is passed over, however long', () => {
  assert.deepEqual(scan(`{"${'k'.repeat(100_000)}":1,"${'\\u0061'.repeat(50_000)}":2,"a":3}`), { a: 3 });
});
