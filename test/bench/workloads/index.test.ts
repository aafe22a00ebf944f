import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBenchOptions } from '../../../src/bench/options.ts';
import { possibleHits } from '../../../src/bench/prompt.ts';
import { WORKLOADS } from '../../../src/bench/workloads/index.ts';
import type { Load } from '../../../src/bench/workloads/workload.ts';

function build(name: string, ...argv: string[]): Load {
  const workload = WORKLOADS.find((one) => one.name === name);
  assert.ok(workload, name);
  return workload.build(parseBenchOptions(argv));
}

function possiblePercent(load: Load): number {
  const { promptTokens, hitTokens } = possibleHits(load.sessions);
  return (100 * hitTokens) / promptTokens;
}

function near(value: number, expected: number, by: number): void {
  assert.ok(Math.abs(value - expected) <= by, `${value}, expected ${expected} ± ${by}`);
}

test('every workload is the same with the same seed, and another one with another', () => {
  for (const { name } of WORKLOADS) {
    assert.deepEqual(build(name, '--scale', '0.1').sessions, build(name, '--scale', '0.1').sessions, name);
    assert.notDeepEqual(build(name, '--seed', '2', '--scale', '0.1').sessions, build(name, '--scale', '0.1').sessions);
  }
});

test('gsp: 15 of 16 questions find their prompt of 2,048 tokens of 2,176', () => {
  const load = build('gsp');
  assert.equal(load.sessions.length, 1024);
  near(possiblePercent(load), ((100 * 15) / 16) * (2048 / 2176), 1e-9);
});

test('gsp takes the parameters that SGLang has', () => {
  const load = build(
    'gsp',
    ...['--gsp-num-groups', '10', '--gsp-prompts-per-group', '4', '--gsp-system-prompt-len', '300'],
    ...['--gsp-question-len', '100', '--gsp-output-len', '7', '--request-rate', '5', '--max-concurrency', '3'],
  );
  assert.equal(load.sessions.length, 40);
  assert.equal(load.maxConcurrency, 3);
  assert.equal(load.sessions[0]?.turns[0]?.outputTokens, 7);
  assert.ok((load.sessions.at(-1)?.startMs ?? 0) > 1000);
  near(possiblePercent(load), (100 * 3 * 300) / (4 * 400), 1e-9);
});

test('groups are mixed', () => {
  const { sessions } = build('gsp');
  const repeats = sessions.filter((session, i) => session.system[0] === sessions[i - 1]?.system[0]).length;
  assert.ok(repeats < 50, `${repeats} of 1024 follow one of their own group`);
});

test('the others share what they are meant to', () => {
  near(possiblePercent(build('gsp-rate')), (100 * 4 * 3000) / (5 * 3600), 1e-9);
  near(possiblePercent(build('hot-prefix')), ((100 * 639) / 640) * (2048 / 2176), 1e-9);
  assert.equal(possiblePercent(build('cold')), 0);
  near(possiblePercent(build('agents')), 95.5, 1);
  near(possiblePercent(build('mooncake')), 36, 10);
});

test('agents: turns of one conversation, all behind one prompt', () => {
  const { api, sessions } = build('agents');
  assert.equal(api, 'chat');
  assert.equal(new Set(sessions.map(({ system }) => system[0]?.text)).size, 1);
  assert.ok(sessions.every(({ turns }) => turns.length === 8));
});

test('small caches and a slow engine are what engines are told', () => {
  const flags = build('small-cache').engineFlags;
  assert.deepEqual(flags?.(1), ['--max-total-tokens', '32768']);
  assert.deepEqual(flags?.(0).slice(-2), ['--sim-slow-factor', '3']);
});
