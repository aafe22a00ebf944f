import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessLine } from '../../../src/observe/log/access-line.ts';
import { RequestRecord } from '../../../src/observe/request-record.ts';

const TIME = new Date('2026-11-21T12:00:00.123Z');

function record(about: Partial<RequestRecord> = {}, path = '/v1/chat/completions'): RequestRecord {
  const answered = { status: 200, worker: 'http://127.0.0.1:31000', attempts: 1, totalMs: 3_561.4 };
  return Object.assign(new RequestRecord('chatcmpl-7BpJ0NumVDbP2YWll9BThdLz', 'POST', path, path), answered, about);
}

const FULL = {
  streams: true,
  firstByteMs: 312.4,
  queueMs: 2_731,
  attempts: 2,
  promptTokens: 12_024,
  completionTokens: 1_280,
  cachedTokens: 11_303,
};

/** With the styles in angle brackets and the clock taken off. */
function line(about: Partial<RequestRecord>, columns = 100, path?: string): string {
  const look = {
    paint: (style: unknown, text: string) => (style === 'dim' ? text : `<${style}>${text}</>`),
    columns: () => columns,
    nameOf: (url: string) => (url.endsWith(':31000') ? 'w0' : undefined),
  };
  return accessLine(TIME, record(about, path), look).replace(/^\d\d:\d\d:\d\d\.123 /, '');
}

test('what matters of a request, in columns', () => {
  assert.equal(
    line({ streams: true, firstByteMs: 312.4, promptTokens: 1_024, completionTokens: 128, cachedTokens: 963 }),
    '<green>200</>      POST /v1/chat/completions  w0  3.56 s   TTFT 312 ms  1024+128 tok  94% cached\n',
  );
  assert.equal(line({}, 100, '/generate'), '<green>200</>      POST /generate                   w0  3.56 s \n');
});

test('one row at 100 columns and at 80, whatever there is to say: what matters least is left out', () => {
  const path = `/v1/${'models/'.repeat(30)}`;
  const worker = 'http://gpu-17.rack-4.example.com:31000';
  for (const columns of [100, 80, 60]) {
    for (const about of [{}, FULL, { ...FULL, worker }, { ...FULL, errorCode: 'queue_timeout', status: 503 }]) {
      for (const where of [path, '/generate', '/v1/chat/completions']) {
        const text = line(about, columns, where).replaceAll(/<\w+>|<\/>/g, '');
        assert.ok(text.length - 1 + 13 < columns, `${columns}: ${text}`);
      }
    }
  }
  assert.match(line(FULL, 80), / POST \/v1\/chat\/completions {2,}w0 /);
  assert.match(line({}, 80, path), / POST \/v1\/models\/models\/\S+… {2}w0 {2}3\.56 s/);
});

test('the colour follows the status, also that of an error event in a stream', () => {
  assert.match(line({ status: 307 }), /^<cyan>307<\/>/);
  assert.match(line({ status: 404 }), /^<yellow>404<\/>/);
  assert.match(line({ status: 503, errorCode: 'draining' }), /^<red>503<\/> .* draining/);
  assert.match(line({ errorEvent: 502, errorCode: 'worker_died' }), /^<red>200\/502<\/> .* worker_died/);
  assert.match(line({ clientLeft: true, status: 0 }), /^<yellow>left<\/> .* client left/);
});

test('a worker that has no name here is its address, and none a dash', () => {
  assert.match(line({ worker: 'http://10.0.0.7:8000' }), / 10\.0\.0\.7:8000 {2}/);
  assert.match(line({ worker: undefined as unknown as string }), / {2}- {2}/);
});
