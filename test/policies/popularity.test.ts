import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Popularity } from '../../src/policies/popularity.ts';

/** Its share after so many requests, of which every `nth` has the prefix. */
function shareOf(popularity: Popularity, nth: number, requests = 1000): number {
  let share = 0;
  for (let i = 0; i < requests; i++) {
    popularity.next();
    if (i % nth === 0) share = popularity.observe(1);
    else popularity.observe(1000 + i);
  }
  return share;
}

test('tells the share of the recent requests that a prefix has', () => {
  assert.ok(shareOf(new Popularity(), 1) > 0.95);
  assert.ok(Math.abs(shareOf(new Popularity(), 4) - 0.25) < 0.03);
  assert.ok(shareOf(new Popularity(), 500) < 0.05);
});

test('forgets what is not asked for any more', () => {
  const popularity = new Popularity();
  shareOf(popularity, 1);
  for (let i = 0; i < 500; i++) popularity.next();
  assert.ok(popularity.observe(1) < 0.05);
});

test('a popular prefix is still known after thousands of others', () => {
  assert.ok(Math.abs(shareOf(new Popularity(), 4, 10_000) - 0.25) < 0.03);
});
