import assert from 'node:assert/strict';
import { test } from 'node:test';
import { document } from '../../../src/observe/metrics/document.ts';
import { SMG } from '../../../src/observe/metrics/smg.ts';
import { METRICS, type MetricRow } from '../../../src/observe/metrics/table.ts';

test('the document has every metric and alias, and explains every label', () => {
  const text = document();
  for (const { name } of [...Object.values(METRICS), ...SMG]) assert.ok(text.includes(`\`${name}\``), name);
  const explained = /## Labels\n(.*?)\n## /s.exec(text)?.[1] ?? '';
  const evident = new Set(['policy', 'state', 'result', 'outcome', 'from', 'to', 'version', 'node_version']);
  for (const { labels, name } of Object.values<MetricRow>(METRICS)) {
    for (const label of labels)
      assert.ok(evident.has(label) || explained.includes(`\`${label}\``), `${label} of ${name}`);
  }
});

test('units stand at the end of names', () => {
  for (const { name, unit, type } of Object.values<MetricRow>(METRICS)) {
    if (unit) assert.ok(name.endsWith(`_${unit}${type === 'counter' ? '_total' : ''}`), name);
  }
});
