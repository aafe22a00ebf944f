import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FORMER } from '../../../src/observe/metrics/aliases/former.ts';
import { SMG } from '../../../src/observe/metrics/aliases/smg.ts';
import { document } from '../../../src/observe/metrics/document.ts';
import { METRICS, type MetricRow } from '../../../src/observe/metrics/table.ts';

test('the document has every metric and alias, and explains every label', () => {
  const text = document();
  for (const { name } of [...Object.values(METRICS), ...SMG, ...FORMER]) assert.ok(text.includes(`\`${name}\``), name);
  const explained = /## Labels\n(.*?)\n## /s.exec(text)?.[1] ?? '';
  const evident = new Set(['policy', 'state', 'result', 'outcome', 'change', 'from', 'to', 'version', 'node_version']);
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
