import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoredId } from '../../src/data/stored-id.ts';
import type { StoredKind } from '../../src/http/endpoint.ts';
import { Owners } from '../../src/scheduler/stored/owners.ts';
import { seededRandom } from '../helpers/seeded-random.ts';

const URL = 'http://w';

/** Whether `id` is read and remembered from an answer `text` that comes in pieces of `size`. */
function learned(
  text: string,
  id: string,
  { kind = 'response' as StoredKind, size = Number.POSITIVE_INFINITY, status = 200 } = {},
) {
  const owners = new Owners();
  const kept = new StoredId(kind, (found) => owners.learn({ kind, id: found }, URL));
  const bytes = Buffer.from(text);
  kept.status(status);
  for (let at = 0; at < bytes.length; at += size) kept.see(bytes.subarray(at, Math.min(bytes.length, at + size)));
  return owners.find({ kind, id }) === URL;
}

const STREAM =
  'event: response.created\ndata: {"type":"response.created","response":{"object":"response","id":"resp_1","model":"m"},"sequence_number":0}\n\n';

test('the id is read wherever the answer is cut', () => {
  for (const [text, kind] of [
    ['{"id":"resp_1","object":"response"}', 'response'],
    [' {\n "object" : "response", "tools": [{"id":"other"}], "id" : "resp_1"', 'response'],
    [STREAM, 'response'],
    [`: ping\r\n\r\n${STREAM.replaceAll('\n', '\r\n')}`, 'response'],
    ['"resp_1"', 'session'],
    ['{"id":"resp_1","object":"conversation"}', 'conversation'],
  ] as const) {
    for (let size = 1; size <= text.length; size++)
      assert.ok(learned(text, 'resp_1', { kind, size }), `${text} ${size}`);
  }
});

test('only the id of the answer itself counts, whatever a client had echoed in it', () => {
  const victim = 'resp_victim';
  for (const text of [
    `{"metadata":{"id":"${victim}"},"id":"resp_1"}`,
    `{"instructions":"\\"id\\":\\"${victim}\\"","id":"resp_1"}`,
    `{"output":[{"id":"${victim}"}],"id":"resp_1"}`,
    `data: {"response":{"metadata":{"id":"${victim}"},"id":"resp_1"}}\n\n`,
    `data: {"id":"${victim}","response":{"id":"resp_1"}}\n\n`,
  ]) {
    assert.deepEqual([learned(text, victim), learned(text, 'resp_1')], [false, true], text);
  }
});

test('errors, what is no id and what comes late are not remembered', () => {
  assert.ok(!learned('{"id":"resp_1"}', 'resp_1', { status: 400 }));
  for (const id of ['', '..', 'a/b', 'a b', 'x'.repeat(129), 'é']) assert.ok(!learned(JSON.stringify({ id }), id), id);
  assert.ok(!learned('{"id":7}', '7'));
  const late = `{"instructions":"${'x'.repeat(40_000)}","id":"resp_1"}`;
  assert.ok(!learned(late, 'resp_1', { size: 1_000 }));
});

test('no bytes make it throw', () => {
  const random = seededRandom(11);
  const pieces = [
    '{',
    '}',
    '"id"',
    ':',
    '"resp_1"',
    ',',
    '[',
    ']',
    '\\',
    '"',
    'data:',
    '\n',
    'event: x',
    ' ',
    'null',
    '"response"',
  ];
  for (let i = 0; i < 3_000; i++) {
    const text = Array.from(
      { length: 1 + Math.floor(random() * 12) },
      () => pieces[Math.floor(random() * pieces.length)],
    ).join('');
    learned(text, 'resp_1', { size: 1 + Math.floor(random() * 5), kind: random() < 0.2 ? 'session' : 'response' });
  }
});
