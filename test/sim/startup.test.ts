import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSimOptions } from '../../src/sim/parse-options.ts';
import { startUp } from '../../src/sim/startup.ts';

async function run(...flags: string[]) {
  const parsed = parseSimOptions(flags);
  assert.ok(parsed.kind === 'options');
  const lines: string[] = [];
  const listen = async () => {
    lines.push('listening');
    return 31234;
  };
  const ready = await startUp({ options: parsed.options, say: (line) => lines.push(line), listen });
  return { ready, lines };
}

test('the port is bound after the engine is up and before the warm-up, as a real server does', async () => {
  const { ready, lines } = await run();
  assert.equal(ready, true);
  const at = lines.indexOf('listening');
  assert.match(lines[at - 1] as string, /^max_total_num_tokens=/);
  assert.match(lines[at + 1] as string, /Uvicorn running on http:\/\/127\.0\.0\.1:31234 /);
});

test('a failing phase is the last that is seen', async () => {
  for (const [phase, last] of [
    ['weights', /100% Completed/],
    ['kv-cache', /KV Cache is allocated/],
    ['cuda-graphs', /Capture decode CUDA graph end/],
    ['warm-up', /Uvicorn running/],
  ] as const) {
    const { ready, lines } = await run('--sim-startup-fail', phase);
    assert.equal(ready, false);
    assert.match(lines.at(-3) as string, last, phase);
    assert.match(lines.at(-1) as string, /torch\.OutOfMemoryError: CUDA out of memory/);
  }
});
