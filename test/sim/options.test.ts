import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GROUPS } from '../../src/sim/option.ts';
import { renderSimHelp, renderSimOptions, SIM_OPTIONS } from '../../src/sim/options.ts';

test('help and documentation name every flag once, under every heading', () => {
  const help = renderSimHelp('prog sim-engine');
  const docs = renderSimOptions();
  assert.match(help, /^usage: prog sim-engine /);
  for (const heading of Object.values(GROUPS)) {
    assert.ok(help.includes(`${heading}:\n`), heading);
    assert.ok(docs.includes(`### ${heading}\n`), heading);
  }
  for (const { flags } of Object.values(SIM_OPTIONS)) {
    assert.equal(help.split(`  ${flags.join(', ')}`).length, 2, flags[0]);
    assert.equal(docs.split(`| \`${flags.join(', ')}`).length, 2, flags[0]);
  }
});

test('no flag is there twice', () => {
  const flags = Object.values(SIM_OPTIONS).flatMap((option) => option.flags);
  assert.equal(new Set(flags).size, flags.length);
});
