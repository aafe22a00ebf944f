import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GROUPS } from '../../src/sim/option.ts';
import { renderSimOptions, SIM_OPTIONS } from '../../src/sim/options.ts';

test('the documentation names every flag once, under every heading', () => {
  const docs = renderSimOptions();
  for (const heading of Object.values(GROUPS)) {
    assert.ok(docs.includes(`### ${heading}\n`), heading);
  }
  for (const { flags } of Object.values(SIM_OPTIONS)) {
    assert.equal(docs.split(`| \`${flags.join(', ')}`).length, 2, flags[0]);
  }
});

test('no flag is there twice', () => {
  const flags = Object.values(SIM_OPTIONS).flatMap((option) => option.flags);
  assert.equal(new Set(flags).size, flags.length);
});
