import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findEndpoint } from '../../../src/http/endpoints.ts';
import type { RoutingHints } from '../../../src/link/scheduling.ts';
import { hintsOf, isLong, portableHints } from '../../../src/link/threads/portable-hints.ts';
import { Blocks } from '../../../src/scheduler/index/blocks.ts';

const CHAT = findEndpoint('/v1/chat/completions').endpoint;
const hints = (fields: Partial<RoutingHints> = {}): RoutingHints => ({
  ...{ prompt: Buffer.from('a prompt '.repeat(200)), key: undefined, model: 'm', idIn: () => undefined },
  ...fields,
});
const inJson = <T>(value: T): T => JSON.parse(JSON.stringify(value));

test('the hashes of a prompt are the same in the other thread', () => {
  const { prompt } = hintsOf(inJson(portableHints(hints(), CHAT, 'hashes')));
  const blocks = new Blocks().hash(hints().prompt as Buffer);
  assert.ok(prompt && 'hashes' in prompt);
  assert.deepEqual(prompt.hashes, blocks.hashes());
  assert.equal(prompt.length, blocks.bytes);
});

test('a prompt goes as bytes where its text is needed, and not at all where nothing is', () => {
  const text = portableHints(hints(), CHAT, 'text');
  assert.ok(isLong(text));
  assert.deepEqual(hintsOf(text).prompt, new Uint8Array(hints().prompt as Buffer));
  assert.equal(portableHints(hints(), CHAT, 'nothing').prompt, undefined);
});

test('names that are no names do not go with other messages', () => {
  assert.equal(isLong(portableHints(hints(), CHAT, 'hashes')), false);
  assert.ok(isLong(portableHints(hints({ model: 'm'.repeat(1_000_000) }), CHAT, 'nothing')));
  assert.ok(isLong(portableHints(hints({ key: 'k'.repeat(1_000_000) }), CHAT, 'nothing')));
});

test('ids in the body are found under their fields', () => {
  const endpoint = findEndpoint('/v1/responses').endpoint;
  const sent = portableHints(
    hints({ idIn: (field) => (field === 'previous_response_id' ? 'r1' : undefined) }),
    endpoint,
    'nothing',
  );
  const got = hintsOf(inJson(sent));
  assert.equal(got.idIn('previous_response_id'), 'r1');
  assert.equal(got.idIn('conversation'), undefined);
});
