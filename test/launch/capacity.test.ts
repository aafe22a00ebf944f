import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Capacity, nextCapacity, usedGb } from '../../src/launch/capacity.ts';

function after(...lines: string[]): Capacity {
  return lines.reduce<Capacity>(nextCapacity, {});
}

test('the lines of a server on a GPU', () => {
  const capacity = after(
    '[08:15:43 TP0] Load weight begin. avail mem=78.69 GB',
    '[08:15:46 TP0] Load weight end. type=LlamaForCausalLM, avail mem=63.56 GB, mem usage=15.13 GB.',
    '[08:15:46 TP0] KV Cache is allocated. dtype: torch.bfloat16, #tokens: 411999, K size: 25.10 GB, V size: 25.10 GB',
    '[08:15:46 TP0] Memory pool end. avail mem=12.61 GB',
    '[08:15:57 TP0] max_total_num_tokens=412000, chunked_prefill_size=8192, available_gpu_mem=11.69 GB',
  );
  assert.equal(capacity.kvTokens, 412_000);
  assert.equal(usedGb(capacity)?.toFixed(1), '67.0');
});

test('a server without a GPU tells its tokens alone', () => {
  const capacity = after(
    '[08:09:31] Load weight begin. avail mem=20.48 GB',
    '[08:09:32] Memory pool end. avail mem=20.48 GB',
    '[08:09:32] max_total_num_tokens=20000, context_len=8192, available_cpu_mem=20.48 GB',
  );
  assert.deepEqual([capacity.kvTokens, usedGb(capacity)], [20_000, undefined]);
});

test('other lines change nothing', () => {
  const capacity = { kvTokens: 1 };
  assert.equal(nextCapacity(capacity, 'Prefill batch, #new-seq: 1, #new-token: 14'), capacity);
});
