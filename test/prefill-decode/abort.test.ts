import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metricOf, startPairFleet } from '../helpers/pair-router.ts';
import { type Json, readEvents } from '../helpers/sim.ts';

for (const stream of [false, true]) {
  test(`/abort_request ends both halves, and nobody takes it for a failure (${stream ? 'streamed' : 'whole'})`, async () => {
    await using fleet = await startPairFleet({ engineFlags: ['--sim-prefill-tokens-per-sec', '2000'] });
    const text = 'A long prompt. '.repeat(500);
    const answer = fleet.post('/generate', { rid: 'mine', text, stream });
    const sims = [...fleet.prefills, ...fleet.decodes];
    const sum = async (name: string) => {
      const values = await Promise.all(sims.map((sim) => metricOf(sim, name)));
      return values.reduce((a, b) => a + b);
    };
    while ((await sum('sglang:num_running_reqs')) === 0);
    assert.equal((await fleet.post('/abort_request', { rid: 'mine' })).status, 200);
    const told = await answer;
    const last: Json = stream ? (await readEvents(told)).events.at(-1) : await told.json();
    assert.equal(last.meta_info.finish_reason.type, 'abort');
    await fleet.rested();
    assert.equal(await sum('sglang:num_aborted_requests_total'), 2);
  });
}
