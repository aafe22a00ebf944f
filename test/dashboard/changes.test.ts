import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changesSince, withChanges } from '../../src/dashboard/changes.ts';
import { snapshotWith, workerView } from '../helpers/snapshot.ts';

test('only workers that are not as they were are told, and the snapshot can be had back', () => {
  const before = snapshotWith({ workers: [workerView(0), workerView(1), workerView(2, { ranks: [1, 2] })] });
  const changed: readonly ReturnType<typeof workerView>[] = [
    workerView(1, { ttftMs: { p50: 41, p99: 231 } }),
    workerView(1, { hitRate: { predicted: 0.5, actual: 0.5 } }),
    workerView(1, { problem: 'removed' }),
    workerView(1, { ranks: [1] }),
  ];
  for (const worker of changed) {
    const now = snapshotWith({ windowSecs: 61, workers: [workerView(0), worker, workerView(2, { ranks: [1, 2] })] });
    const changes = changesSince(before, now);
    assert.deepEqual(changes, { ...now, workers: [worker] });
    const made = withChanges(before, JSON.parse(JSON.stringify(changes)));
    assert.deepEqual(made, now);
    assert.equal(made.workers[0], before.workers[0]);
  }
});

test('where a worker comes, goes or moves all is told', () => {
  const [a, b] = [workerView(0), workerView(1)];
  const before = snapshotWith({ workers: [a, b] });
  for (const workers of [[a], [b, a], [a, b, workerView(2)], []]) {
    assert.equal(changesSince(before, snapshotWith({ workers })), undefined);
  }
});
