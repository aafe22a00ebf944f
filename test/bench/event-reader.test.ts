import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventReader } from '../../src/bench/event-reader.ts';

const STREAM = Buffer.from('data: {"text":"é"}\n\ndata: {"text":"éa"}\n\ndata: [DONE]\n\n');

test('events are counted alike however the stream is cut', () => {
  for (let size = 1; size <= STREAM.length; size++) {
    const reader = new EventReader();
    let events = 0;
    for (let at = 0; at < STREAM.length; at += size) events += reader.take(STREAM.subarray(at, at + size));
    assert.equal(events, 3, `in pieces of ${size}`);
    assert.deepEqual(reader.events(), { data: ['{"text":"é"}', '{"text":"éa"}'], complete: true });
  }
});

test('a stream without its end is not complete', () => {
  const reader = new EventReader();
  reader.take(STREAM.subarray(0, 40));
  assert.equal(reader.events().complete, false);
});
