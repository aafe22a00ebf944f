import assert from 'node:assert/strict';
import { test } from 'node:test';
import { killPairs } from '../../scripts/chaos/scenarios/prefill-decode.ts';
import { Stage } from '../../scripts/chaos/stage.ts';

test('servers killed over a prompt and under load: another pair answers, no text is wrong, nothing is left over', async () => {
  await using stage = new Stage();
  const options = { minutes: 1, clients: 8, seed: 1, say: () => {} };
  const { problems } = await killPairs(stage, options, { ofEach: 2, killsInPrefill: 1, kills: 4 });
  assert.deepEqual(problems, []);
});
