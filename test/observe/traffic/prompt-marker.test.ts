import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PromptMarker } from '../../../src/observe/traffic/prompt-marker.ts';

const text = (seed: string, bytes: number) => seed.repeat(Math.ceil(bytes / seed.length)).slice(0, bytes);
const mark = (marker: PromptMarker, prompt: string) => marker.mark(Buffer.from(prompt));
const [A, B] = [text('The quick brown fox. ', 10_000), text('Jumps over the lazy dog, ', 10_000)];

test('an id for each 2,048 bytes: equal as long as prompts begin alike, and never again', () => {
  const marker = new PromptMarker();
  const first = mark(marker, A.slice(0, 5_000) + B.slice(0, 3_000)).blockIds;
  const second = mark(marker, A.slice(0, 5_000) + B.slice(1, 3_000)).blockIds;
  assert.deepEqual([first.length, second.length], [4, 4]);
  assert.deepEqual(first.slice(0, 2), second.slice(0, 2));
  assert.equal(new Set([...first, ...second]).size, 6);
  // The same block behind another one is not the same.
  assert.ok(!mark(marker, B.slice(0, 2_048) + A.slice(2_048, 4_096)).blockIds.some((id) => first.includes(id)));
  assert.ok(first.every((id) => Number.isSafeInteger(id) && id >= 0));
});

test('the parent is the latest prompt that begins with as much of the same, to 64 bytes', () => {
  const marker = new PromptMarker();
  assert.deepEqual(
    { ...mark(marker, A), blockIds: [] },
    { id: 1, bytes: 10_000, blockIds: [], parent: undefined, sharedBytes: 0, continues: false },
  );
  const [second, third, fourth] = [A.slice(0, 1_000) + B, A.slice(0, 5_000) + B, A.slice(0, 1_000) + B].map((prompt) =>
    mark(marker, prompt),
  );
  assert.deepEqual([second?.parent, second?.sharedBytes], [1, 960]);
  assert.deepEqual([third?.parent, third?.sharedBytes], [1, 4_992]);
  assert.deepEqual([fourth?.parent, fourth?.sharedBytes, fourth?.continues], [2, 10_944, false]);
  const fifth = mark(marker, A.slice(0, 640) + B.slice(7));
  assert.deepEqual([fifth.parent, fifth.sharedBytes], [4, 640]);
});

test('a prompt continues another that it begins with wholly, whatever the length; one that differs in the last letter does not', () => {
  for (const bytes of [64, 100, 127, 128, 4_095, 4_096]) {
    const marker = new PromptMarker();
    mark(marker, A.slice(0, bytes));
    const other = mark(marker, `${A.slice(0, bytes - 1)}#${B}`);
    assert.equal(other.continues, false, `${bytes}`);
    mark(marker, A.slice(0, bytes));
    const next = mark(marker, A.slice(0, bytes) + B);
    assert.deepEqual([next.continues, next.parent, next.sharedBytes], [true, 3, bytes], `${bytes}`);
    assert.equal(mark(marker, A.slice(0, bytes) + B).continues, false, 'a repeated prompt is no next turn');
  }
});

test('of many conversations that differ in a few letters each goes on with its own', () => {
  const marker = new PromptMarker();
  const first = (who: number) => `${A.slice(0, 4_000)} I am ${who}.`;
  for (let who = 0; who < 100; who++) assert.equal(mark(marker, first(who)).continues, false);
  for (let who = 0; who < 100; who++) {
    const { parent, continues, sharedBytes } = mark(marker, `${first(who)} Hello. Go on.`);
    assert.deepEqual([parent, continues, sharedBytes], [who + 1, true, first(who).length]);
  }
  assert.deepEqual(
    [mark(marker, 'hi').continues, mark(marker, 'hi, who is it?').continues, mark(marker, 'ho').continues],
    [false, true, false],
  );
});

test('prompts of any length: short, empty and longer than what is hashed', () => {
  const marker = new PromptMarker();
  assert.deepEqual(mark(marker, '').blockIds, []);
  assert.equal(mark(marker, 'hi').blockIds.length, 1);
  const long = text('0123456789', 3 * 2 ** 20);
  const marks = [mark(marker, long), mark(marker, long)];
  assert.equal(marks[0]?.bytes, 3 * 2 ** 20);
  assert.equal(marks[1]?.parent, marks[0]?.id);
});

test('without the key nobody finds out what was said: another recording has other ids of the same words', () => {
  const words = ['password', 'Berlin', 'yes', 'no', 'hello', text('a common system prompt. ', 4_096)];
  const [one, other] = [new PromptMarker(), new PromptMarker()];
  const ids = words.flatMap((word) => mark(one, word).blockIds);
  const guesses = new Set(words.flatMap((word) => mark(other, word).blockIds));
  assert.ok(!ids.some((id) => guesses.has(id)));
  assert.equal(new Set(ids).size, ids.length);
});

test('ids for what is not known are new ones, the same after the same id', () => {
  const marker = new PromptMarker();
  const { blockIds } = mark(marker, A);
  const last = blockIds.at(-1) as number;
  const more = marker.idsAfter(last, 3);
  assert.deepEqual(more, marker.idsAfter(last, 3));
  assert.equal(new Set([...blockIds, ...more, ...marker.idsAfter(last + 1, 3)]).size, blockIds.length + 6);
});
