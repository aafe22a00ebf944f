import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import { RequestRecord } from '../../../src/observe/request-record.ts';
import { TraceRecorder } from '../../../src/observe/traffic/recorder.ts';
import { MOST_TOKENS, parseTraceRow, type TraceRow } from '../../../src/observe/traffic/trace-row.ts';

function recording() {
  const lines: string[] = [];
  const recorder = new TraceRecorder((line) => lines.push(line), 1_000);
  const record = (prompt: string | undefined, fields: Partial<RequestRecord>): TraceRow | undefined => {
    const entry = new RequestRecord('my-id', 'POST', '/generate', '/generate', 1_250.9);
    if (prompt !== undefined) entry.marks = recorder.mark(Buffer.from(prompt));
    const before = lines.length;
    recorder.ended(Object.assign(entry, { status: 200, totalMs: 80.04, ...fields }));
    return lines.length > before ? parseTraceRow(lines.at(-1) ?? '') : undefined;
  };
  return { lines, record };
}

const told = {
  promptTokens: 1_100,
  completionTokens: 7,
  cachedTokens: 512,
  streams: true,
  firstByteMs: 30.26,
  worker: 'http://w0:1',
};
const PROMPT = 'x'.repeat(4_400);

test('a row says when a request came, how long it was and how it went', () => {
  const { record } = recording();
  const first = record(PROMPT, told);
  const second = record(`${PROMPT} and more`, { ...told, promptTokens: 1_103, worker: 'http://w1:1', streams: false });
  assert.deepEqual(
    { ...first, hash_ids: first?.hash_ids.length },
    {
      ...{ timestamp: 250, input_length: 1_100, output_length: 7, hash_ids: 3, id: 1, status: 200, worker: 0 },
      ...{ cached_length: 512, ttft: 30.3, duration: 80 },
    },
  );
  assert.deepEqual(second?.hash_ids.slice(0, 2), first?.hash_ids.slice(0, 2));
  assert.deepEqual(
    [second?.parent, second?.shared_length, second?.continues, second?.worker, second?.ttft],
    [1, 1_101, true, 1, undefined],
  );
});

test('there is an id for each 512 tokens, however many bytes a token has', () => {
  const { record } = recording();
  const few = record(PROMPT, { ...told, promptTokens: 700 });
  const many = record(PROMPT, { ...told, promptTokens: 3_000 });
  assert.deepEqual([few?.hash_ids.length, many?.hash_ids.length], [2, 6]);
  assert.deepEqual(many?.hash_ids.slice(0, 2), few?.hash_ids);
});

test('lengths that nobody tells are estimated by those that were told', () => {
  const { record } = recording();
  const untold = { promptTokens: undefined, completionTokens: undefined, streams: true, answerChunks: 40 };
  const before = record('x'.repeat(4_000), untold);
  assert.deepEqual([before?.input_length, before?.output_length], [1_000, 40]);
  // Two bytes and half a piece of an answer each.
  for (let i = 0; i < 50; i++)
    record('x'.repeat(4_000), { promptTokens: 2_000, completionTokens: 80, streams: true, answerChunks: 40 });
  const after = record('x'.repeat(4_000), untold);
  assert.ok(Math.abs((after?.input_length ?? 0) - 2_000) < 20, `${after?.input_length}`);
  assert.ok(Math.abs((after?.output_length ?? 0) - 80) < 6, `${after?.output_length}`);
  assert.equal(record('hi', { ...untold, streams: false, answerBytes: 0 })?.output_length, 1);
});

test('numbers that no engine can mean do not blow up a row', () => {
  const { record, lines } = recording();
  const row = record(PROMPT, { ...told, promptTokens: 1e15, completionTokens: MOST_TOKENS + 1, answerChunks: 1e15 });
  assert.ok(row);
  assert.equal(row.input_length, 1_100);
  assert.ok((lines.at(-1)?.length ?? 0) < 500);
});

test('what has no prompt, or was refused for what it said, is no row; what failed or was left is', () => {
  const { record } = recording();
  assert.equal(record(undefined, told), undefined);
  for (const status of [400, 401, 404, 413, 422]) assert.equal(record(PROMPT, { status }), undefined, `${status}`);
  for (const status of [408, 429, 500, 503]) assert.equal(record(PROMPT, { status })?.status, status);
  assert.deepEqual(
    [record(PROMPT, { status: 503 })?.output_length, record(PROMPT, { clientLeft: true })?.status],
    [1, 499],
  );
  assert.equal(record(PROMPT, { ...told, errorEvent: 500 })?.status, 500);
});

test('nothing of a prompt can be had back: no text, no hash of a word, no name, no key', () => {
  const { record, lines } = recording();
  const secrets = ['correct', 'horse', 'battery', 'staple', 'yes', 'no', 'diabetes', 'Müller'];
  const long = secrets.join(' ').repeat(200);
  for (const prompt of [...secrets, long]) {
    record(prompt, { ...told, promptTokens: undefined, model: 'secret-model', path: '/generate' });
  }
  const trace = lines.join('\n');
  for (const text of [...secrets, 'my-id', 'http', 'secret-model', 'w0', 'generate'])
    assert.ok(!trace.includes(text), text);
  const numbers = new Set(lines.flatMap((line) => parseTraceRow(line)?.hash_ids ?? []));
  assert.equal(numbers.size, secrets.length + Math.ceil(Buffer.byteLength(long) / 2_048));
  // Whoever has the trace but not the key tries the words of a dictionary with the hashes that there are.
  for (const word of secrets) {
    for (const algorithm of ['md5', 'sha1', 'sha256', 'sha512']) {
      const digests = [createHash(algorithm).update(word).digest(), createHmac(algorithm, '').update(word).digest()];
      for (const digest of digests) {
        const tried = [
          digest.readUIntLE(0, 6),
          digest.readUIntBE(0, 6),
          digest.readUInt32LE(0),
          digest.readUInt32BE(0),
        ];
        assert.ok(!tried.some((number) => numbers.has(number)), `${algorithm} of ${word}`);
      }
    }
  }
  const another = recording();
  for (const word of secrets) another.record(word, told);
  assert.ok(!another.lines.some((line) => parseTraceRow(line)?.hash_ids.some((id) => numbers.has(id))));
});
