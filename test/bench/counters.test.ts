import assert from 'node:assert/strict';
import { test } from 'node:test';
import { difference, parseCounters } from '../../src/bench/counters.ts';

test('counters are read with both spellings of their names, labels summed', () => {
  for (const prefix of ['sglang:', 'sglang_']) {
    const text = `# TYPE ${prefix}prompt_tokens_total counter
${prefix}prompt_tokens_total{is_streaming="false"} 100
${prefix}prompt_tokens_total{is_streaming="true"} 2e3
${prefix}cached_tokens_total{cache_source="device"} 512
${prefix}num_requests_total{} 3
${prefix}generation_tokens_total 40
sim_lost_seconds_total 0.25
`;
    assert.deepEqual(parseCounters(text), {
      requests: 3,
      promptTokens: 2100,
      cachedTokens: 512,
      generatedTokens: 40,
      lostSecs: 0.25,
    });
  }
});

test('what was counted in between', () => {
  const before = { requests: 1, promptTokens: 10, cachedTokens: 2, generatedTokens: 3, lostSecs: 0 };
  const after = { requests: 4, promptTokens: 50, cachedTokens: 22, generatedTokens: 9, lostSecs: 1 };
  assert.deepEqual(difference(after, before), {
    requests: 3,
    promptTokens: 40,
    cachedTokens: 20,
    generatedTokens: 6,
    lostSecs: 1,
  });
});
