import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { test } from 'node:test';
import { ask } from '../../scripts/chaos/ask.ts';
import { question } from '../../scripts/chaos/question.ts';
import { startPairFleet } from '../helpers/pair-router.ts';
import type { Json } from '../helpers/sim.ts';

const REQUESTS = 500;
const TOKENS = 4;

/** Every answer is that to another prompt, so that one which was mixed up is seen. */
test(`${REQUESTS} requests at once, each gets its own answer, and no room is used twice`, async () => {
  await using fleet = await startPairFleet({ engineFlags: ['--sim-prefill-tokens-per-sec', '100000'] });
  const agent = new Agent();
  const one = async (number: number): Promise<void> => {
    const asked = question(`Prompt ${number}: what comes next?`, TOKENS, {
      chat: number % 4 === 0,
      stream: number % 2 === 0,
    });
    const { outcome, detail } = await ask(fleet.router.url, asked, { agent, timeoutMs: 80_000 });
    assert.equal(outcome, 'right', detail);
  };
  const several = async (number: number): Promise<void> => {
    const texts = [0, 1, 2].map((part) => `Prompt ${number}.${part}`);
    const body = { text: texts, sampling_params: { max_new_tokens: TOKENS } };
    const answers = (await (await fleet.post('/generate', body)).json()) as Json[];
    const right = texts.map((text) => question(text, TOKENS, { chat: false, stream: false }).text);
    assert.deepEqual(
      answers.map(({ text }) => text),
      right,
    );
  };
  await Promise.all(Array.from({ length: REQUESTS }, (_, number) => (number % 10 === 9 ? several : one)(number)));
  await fleet.rested();
  assert.equal(await fleet.duplicateRooms(), 0);
});
