import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NONE, NodeTable } from '../../../src/scheduler/index/node-table.ts';
import { seededRandom } from '../../helpers/seeded-random.ts';

test('finds every row it has, and no other, as rows come and go by the thousand', () => {
  const random = seededRandom(5);
  const table = new NodeTable();
  const rows = new Map<string, { lo: number; hi: number; row: number }>();
  for (let step = 0; step < 20_000; step++) {
    const [lo, hi] = [(random() * 2 ** 32) | 0, (random() * 4) | 0];
    if (random() < 0.7) rows.set(`${lo}:${hi}`, { lo, hi, row: table.add(lo, hi) });
    const [oldest] = rows;
    if (oldest && random() < 0.3) {
      table.remove(oldest[1].row);
      rows.delete(oldest[0]);
      assert.equal(table.find(oldest[1].lo, oldest[1].hi), NONE);
    }
  }
  assert.ok(rows.size > 5000);
  for (const { lo, hi, row } of rows.values()) assert.equal(table.find(lo, hi), row);
  assert.equal(new Set(Array.from(rows.values(), ({ row }) => row)).size, rows.size);
});
