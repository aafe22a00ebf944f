import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitLine } from '../../../src/bench/calibrate/line-fit.ts';

const near = (value: number, expected: number) =>
  assert.ok(Math.abs(value - expected) < 1e-9, `${value}, not ${expected}`);

test('points of a line give that line', () => {
  const { base, slope } = fitLine([64, 256, 1024, 4096].map((x) => [x, 12 + x / 8]));
  near(base, 12);
  near(slope, 1 / 8);
});

test('no base and no slope is below 0, and one point is a base', () => {
  const through = fitLine([
    [1, 1],
    [10, 20],
  ]);
  assert.equal(through.base, 0);
  assert.ok(through.slope > 1 && through.slope < 2, `${through.slope}`);
  assert.equal(
    fitLine([
      [1, 10],
      [2, 9],
    ]).slope,
    0,
  );
  assert.deepEqual(fitLine([[1, 10]]), { base: 10, slope: 0 });
});
