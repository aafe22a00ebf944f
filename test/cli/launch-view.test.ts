import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launchView } from '../../src/cli/launch-view.ts';
import type { Fleet } from '../../src/launch/fleet.ts';

test('a rolling restart is possible while a server has another of its role that is ready', () => {
  const possible = (...servers: readonly (readonly [role: string, ready: boolean])[]) => {
    const fleet = { servers: servers.map(([role, ready]) => ({ ready, plan: { role } })) } as unknown as Fleet;
    const standing = { fleet, rolling: false, settled: true, restartAll: () => Promise.resolve() };
    return launchView(standing).rollingRestart;
  };
  assert.equal(possible(['regular', true], ['regular', true]), 'possible');
  assert.equal(possible(['regular', true], ['regular', false]), 'not possible');
  assert.equal(possible(['regular', true]), 'not possible');
  assert.equal(possible(['prefill', true], ['decode', true]), 'not possible');
  assert.equal(possible(['prefill', true], ['decode', true], ['decode', true]), 'possible');
});
