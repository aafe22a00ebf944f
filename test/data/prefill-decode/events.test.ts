import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventSplitter, eventsOf } from '../../../src/data/prefill-decode/events.ts';

const EVENTS = ['data: {"a":1}\n\n', 'event: x\ndata: {"b":"\\n\\n"}\n\n', ': still here\r\n\r\n', 'data: [DONE]\n\n'];
const STREAM = Buffer.from(EVENTS.join(''));

test('events come whole, wherever the stream is cut', () => {
  for (let first = 0; first <= STREAM.length; first++) {
    for (const second of [first, first + 1, first + 2, first + 7]) {
      const splitter = new EventSplitter();
      const chunks = [STREAM.subarray(0, first), STREAM.subarray(first, second), STREAM.subarray(second)];
      const events = chunks.flatMap((chunk) => splitter.push(chunk));
      assert.deepEqual(events.map(String), EVENTS, `${first} ${second}`);
      assert.equal(splitter.restBytes, 0);
    }
  }
});

test('events come whole byte by byte', () => {
  const splitter = new EventSplitter();
  assert.deepEqual(
    Array.from(STREAM, (byte) => splitter.push(Buffer.of(byte)))
      .flat()
      .map(String),
    EVENTS,
  );
});

test('what has not ended is kept, and counted', () => {
  const splitter = new EventSplitter();
  for (const byte of 'data: {"a":1}\n\ndata: {"b"') splitter.push(Buffer.from(byte));
  assert.deepEqual([splitter.rest.toString(), splitter.restBytes], ['data: {"b"', 10]);
});

test('a long answer of many events is read once, not once an event', () => {
  const events = 20_000;
  const body = Buffer.from(`data: {"text":"${'x'.repeat(400)}"}\n\n`.repeat(events));
  assert.equal(eventsOf(body).length, events);
});
