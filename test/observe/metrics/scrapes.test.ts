import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scrapes } from '../../../src/observe/metrics/scrapes.ts';

test('who scrapes during a rendering gets the next one, all of them the same bytes', async () => {
  const renderings: PromiseWithResolvers<string>[] = [];
  const scrapes = new Scrapes(() => {
    const rendering = Promise.withResolvers<string>();
    renderings.push(rendering);
    return rendering.promise;
  });
  const first = scrapes.next();
  const others = Array.from({ length: 49 }, () => scrapes.next());
  assert.equal(renderings.length, 1);
  renderings[0]?.resolve('one');
  assert.equal(String(await first), 'one');
  await new Promise(setImmediate);
  assert.equal(renderings.length, 2);
  renderings[1]?.resolve('two');
  const bytes = new Set(await Promise.all(others));
  assert.equal(bytes.size, 1);
  assert.equal(String([...bytes][0]), 'two');
  const alone = scrapes.next();
  renderings[2]?.resolve('three');
  assert.equal(String(await alone), 'three');
});

test('a rendering that fails is only for those who asked for it', async () => {
  let renderings = 0;
  const scrapes = new Scrapes(async () => {
    if (renderings++ === 0) throw new Error('broken');
    return 'fine';
  });
  const first = scrapes.next();
  const second = scrapes.next();
  await assert.rejects(first, /broken/);
  assert.equal(String(await second), 'fine');
});
