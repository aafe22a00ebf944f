import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Answer } from '../../../src/bench/client.ts';
import { type Asking, drive } from '../../../src/bench/drive.ts';
import { type Measured, measuredOf, type Setting } from '../../../src/bench/measure.ts';
import { parseBenchOptions, workloadOptions } from '../../../src/bench/options.ts';
import { Random } from '../../../src/bench/random.ts';
import type { Said } from '../../../src/bench/request.ts';
import { FleetModel } from '../../../src/bench/what-if/fleet-model.ts';
import { measureModel } from '../../../src/bench/what-if/measure-model.ts';
import { VirtualTime } from '../../../src/bench/what-if/virtual-time.ts';
import { WORKLOADS } from '../../../src/bench/workloads/index.ts';
import { TRACE } from '../../../src/bench/workloads/trace.ts';
import type { Api, Load } from '../../../src/bench/workloads/workload.ts';
import { resolveRouter } from '../../../src/config/resolve.ts';
import { RequestRecord } from '../../../src/observe/request-record.ts';
import { TraceRecorder } from '../../../src/observe/traffic/recorder.ts';
import { createPolicy } from '../../../src/scheduler/policies/index.ts';
import { parseSimOptions } from '../../../src/sim/parse-options.ts';
import { seededRandom } from '../../helpers/seeded-random.ts';

const { config: policyOptions } = await resolveRouter([], {});
const objective = { ttftMs: 2_000, itlMs: 100 };
const never = new AbortController().signal;

/** The load on so many engines behind a recorder, in virtual time: what was measured, and the trace. */
async function record(load: Load, workers: number, policy: string): Promise<{ measured: Measured; path: string }> {
  const time = new VirtualTime();
  const parsed = parseSimOptions([]);
  assert.ok(parsed.kind === 'options');
  const surroundings = { now: () => time.now(), random: seededRandom(1) };
  const model = new FleetModel(
    new Array(workers).fill(parsed.options),
    createPolicy(policy, policyOptions, surroundings),
    time,
    new Random(1),
  );
  const lines: string[] = [];
  const recorder = new TraceRecorder((line) => lines.push(line), 0);
  const recording: Asking = {
    async ask(api: Api, said: readonly Said[], outputTokens: number): Promise<Answer> {
      const entry = new RequestRecord('id', 'POST', '/v1/chat/completions', '/v1/chat/completions', time.now());
      entry.marks = recorder.mark(Buffer.from(said.map(({ role, text }) => `\x01${role}\x02${text}`).join('')));
      const answer = await model.ask(api, said, outputTokens);
      const { promptTokens, outputTokens: completionTokens, cachedTokens, sentMs, firstMs, endMs, worker } = answer;
      const told = { promptTokens, completionTokens, cachedTokens, worker, streams: true, status: 200 };
      Object.assign(entry, told, { firstByteMs: (firstMs ?? endMs) - sentMs, totalMs: endMs - sentMs });
      recorder.ended(entry);
      return answer;
    },
  };
  const watcher = { asked: () => {}, answered: () => {} };
  const answers = (await time.run(drive(load, recording, watcher, never, time), never)) ?? [];
  const path = join(mkdtempSync(join(tmpdir(), 'trace-')), 'trace.jsonl');
  writeFileSync(path, `${lines.join('\n')}\n`);
  return { measured: measuredOf(answers, model.counted, { objective }), path };
}

async function whatIf(path: string, workers: number, policy: string, ...flags: readonly string[]): Promise<Measured> {
  const load = TRACE.build(workloadOptions(parseBenchOptions(['--trace-file', path, ...flags])));
  const watcher = { asked: () => {}, answered: () => {} };
  const setting: Setting = { load, objective, warmUpRequests: 0, timeoutMs: 1, watcher, stopped: never };
  return await measureModel({ workers, policy, policyOptions, engineFlags: [] }, setting);
}

function loadOf(name: string, ...flags: readonly string[]): Load {
  const load = WORKLOADS.find((workload) => workload.name === name)?.build(workloadOptions(parseBenchOptions(flags)));
  assert.ok(load);
  return load;
}

const figures = ({ summary: { makespanSecs, hitShare = 0, ttftMs, outputTokensPerSec } }: Measured) => ({
  ...{ makespanSecs, hitShare, p50: ttftMs.p50, p90: ttftMs.p90, perSec: outputTokensPerSec },
});

/** Both within so much of each other. */
function near(measured: Measured, expected: Measured, share: number): void {
  const [found, wanted] = [figures(measured), figures(expected)];
  for (const [name, value] of Object.entries(wanted)) {
    const ratio = found[name as keyof typeof found] / value;
    assert.ok(Math.abs(ratio - 1) <= share, `${name}: ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
  }
}

function hitsNear(measured: Measured, expected: Measured): void {
  const [hit, wanted] = [measured, expected].map(({ summary }) => summary.hitShare ?? 0);
  assert.ok(Math.abs((hit as number) - (wanted as number)) < 0.02, `${hit} of the prompts hit, not ${wanted}`);
}

test('agents, recorded and computed again: as many hits, as long, first tokens as early', async () => {
  const { path, measured } = await record(loadOf('agents'), 8, 'cache_aware');
  const again = await whatIf(path, 8, 'cache_aware');
  assert.equal(again.summary.requests, 768);
  hitsNear(again, measured);
  near(again, measured, 0.15);
  for (const workers of [4, 16]) {
    const { measured: real } = await record(loadOf('agents'), workers, 'cache_aware');
    const computed = await whatIf(path, workers, 'cache_aware');
    hitsNear(computed, real);
    near(computed, real, 0.15);
  }
});

test('where clients go on as soon as they have an answer, as many clients say more than the times at which they did', async () => {
  const { path } = await record(loadOf('agents', '--scale', '0.7'), 8, 'round_robin');
  const { measured: real } = await record(loadOf('agents', '--scale', '0.7'), 16, 'round_robin');
  const computed = await whatIf(path, 16, 'round_robin', '--request-rate', 'inf', '--max-concurrency', '32');
  hitsNear(computed, real);
  near(computed, real, 0.15);
});

test('requests that do not wait for each other are computed as they were', async () => {
  const { path, measured } = await record(loadOf('mooncake', '--scale', '0.4'), 8, 'cache_aware');
  const again = await whatIf(path, 8, 'cache_aware');
  hitsNear(again, measured);
  near(again, measured, 0.01);
});
