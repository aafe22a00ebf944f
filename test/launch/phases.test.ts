import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describePhase, isProgressBar, nextPhase, type Phase, saysReady, shareOf } from '../../src/launch/phases.ts';

const START: Phase = { name: 'starting' };

/** The phases a server goes through while it prints these lines. */
function phasesOf(lines: readonly string[]): string[] {
  let phase = START;
  const seen = [];
  for (const line of lines) {
    const next = nextPhase(phase, line);
    if (next !== phase) seen.push(describePhase(next));
    phase = next;
  }
  return seen;
}

test('the lines of a server on a GPU', () => {
  assert.deepEqual(
    phasesOf([
      '[2026-11-21 08:15:33 TP0] Init torch distributed begin.',
      'Fetching 12 files:  50%|█████     | 6/12 [00:04<00:04,  1.4it/s]',
      '[2026-11-21 08:15:43 TP0] Load weight begin. avail mem=78.69 GB',
      'Loading safetensors checkpoint shards:  25% Completed | 1/4 [00:00<00:02,  1.37it/s]',
      'Loading safetensors checkpoint shards: 100% Completed | 4/4 [00:02<00:00,  1.45it/s]',
      '[2026-11-21 08:15:46 TP0] Load weight end. type=LlamaForCausalLM, avail mem=63.56 GB, mem usage=15.13 GB.',
      '[2026-11-21 08:15:46 TP0] KV Cache is allocated. #tokens: 412000, K size: 25.10 GB, V size: 25.10 GB',
      '[2026-11-21 08:15:46 TP0] Memory pool end. avail mem=12.61 GB',
      '[2026-11-21 08:15:46 TP0] Capture target decode CUDA graph begin. backend=full, avail mem=12.51 GB',
      'Capturing batches (bs=120 avail_mem=12.31 GB):  47%|████▋     | 17/36 [00:05<00:05,  3.4it/s]',
      '[2026-11-21 08:15:56 TP0] Capture target decode CUDA graph end. elapsed=10.02 s',
      '[2026-11-21 08:15:57] INFO:     Started server process [6633]',
      '[2026-11-21 08:15:57] INFO:     Uvicorn running on http://127.0.0.1:31000 (Press CTRL+C to quit)',
    ]),
    [
      ...['download 50%', 'weights', 'weights 25%', 'weights 100%', 'KV cache'],
      ...['CUDA graphs', 'CUDA graphs 47%', 'warm-up'],
    ],
  );
});

test('the lines of a server on a CPU, and of an older release', () => {
  assert.deepEqual(
    phasesOf([
      '[08:15:43] Load weight begin. avail mem=21.69 GB',
      'Multi-thread loading shards: 100% Completed | 1/1 [00:00<00:00, 952.17it/s]',
      '[08:15:43] Memory pool end. avail mem=21.61 GB',
      '[08:15:43] Capture cuda graph begin. This can take up to several minutes. avail mem=12.51 GB',
      '[08:15:44] INFO:     Application startup complete.',
    ]),
    ['weights', 'weights 100%', 'KV cache', 'CUDA graphs', 'warm-up'],
  );
});

test('a slower rank does not take the phase back, and other lines leave it', () => {
  const phase = nextPhase(START, '[TP0] Memory pool end. avail mem=12.61 GB');
  assert.equal(nextPhase(phase, '[TP1] Load weight begin. avail mem=70 GB'), phase);
  assert.equal(nextPhase(phase, 'Ignore import error when loading sglang.srt.models.grok'), phase);
});

test('the share of a start grows with phase and progress', () => {
  assert.equal(shareOf(START), 0);
  assert.equal(shareOf({ name: 'ready' }), 1);
  assert.ok(shareOf({ name: 'weights', progress: 0.5 }) > shareOf({ name: 'weights' }));
});

test('progress bars and the last line of a start are known', () => {
  assert.ok(isProgressBar('Capturing batches (bs=1):  47%|████▋     | 17/36 [00:05<00:05,  3.4it/s]'));
  assert.ok(isProgressBar('Loading safetensors checkpoint shards:  25% Completed | 1/4 [00:00<00:02,  1.37it/s]'));
  assert.ok(!isProgressBar('token usage: 47%'));
  assert.ok(saysReady('[2026-11-21 08:15:45] The server is fired up and ready to roll!'));
});
