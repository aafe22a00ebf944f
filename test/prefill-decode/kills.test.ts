import assert from 'node:assert/strict';
import { test } from 'node:test';
import { killPairs } from '../../scripts/chaos/scenarios/prefill-decode.ts';
import { Stage } from '../../scripts/chaos/stage.ts';

test('servers killed over a prompt and under load: another pair answers, no text is wrong, nothing is left over', async () => {
  await using stage = new Stage();
  const options = { minutes: 1, clients: 8, seed: 1, say: () => {} };
  // How soon decode is told is for `npm run chaos` to say, on a machine that does nothing else.
  const kills = { ofEach: 2, killsInPrefill: 1, kills: 4, cancelledWithinMs: Number.POSITIVE_INFINITY };
  const { problems } = await killPairs(stage, options, kills);
  assert.deepEqual(problems, []);
});
