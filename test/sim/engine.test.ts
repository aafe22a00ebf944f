import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Answer } from '../../src/sim/answer.ts';
import { PrefixCache } from '../../src/sim/cache.ts';
import { Engine, type EngineSettings } from '../../src/sim/engine.ts';
import { Job, type Meeting } from '../../src/sim/job.ts';
import { EngineStats } from '../../src/sim/stats.ts';
import { VirtualClock } from '../helpers/virtual-clock.ts';

/** Round numbers: a prompt token takes 1 ms, a decode step 10 ms and 1 ms for each request. */
const SETTINGS: EngineSettings = {
  cost: {
    prefillTokensPerSec: 1000,
    prefillBaseMs: 0,
    prefillCachedMs: 0,
    decodeBaseMs: 10,
    decodePerRunningMs: 1,
    slowFactor: 1,
  },
  chunkTokens: 100,
  maxRunning: 8,
  maxQueued: Number.POSITIVE_INFINITY,
  mixedChunk: false,
};

function createEngine(settings: Partial<EngineSettings> = {}, tokens = 10_000, pageSize = 1) {
  const clock = new VirtualClock();
  const stats = new EngineStats();
  const engine = new Engine({ ...SETTINGS, ...settings }, new PrefixCache(tokens, pageSize), clock, stats);
  const times = new Map<Job, number[]>();
  let next = 0;
  const job = (promptTokens: number, outputTokens: number, start = 1000 * ++next, meeting?: Meeting) => {
    const prompt = Array.from({ length: promptTokens }, (_, i) => start + i);
    const limits = { maxTokens: outputTokens, meanTokens: 1, roomTokens: 10_000, stop: [], firstOnly: false };
    const answer = new Answer(prompt, 0, limits);
    const made: Job = new Job({
      id: `job-${next}`,
      prompt,
      answer,
      salt: 0,
      stream: true,
      rank: 0,
      meeting,
      advance: (it) => times.set(it, [...(times.get(it) ?? []), clock.now()]),
    });
    return made;
  };
  return { engine, clock, stats, job, timesOf: (it: Job) => times.get(it) ?? [] };
}

test('a prompt takes its tokens at the prefill rate, each further token a decode step', () => {
  const { engine, clock, job, timesOf } = createEngine();
  const one = job(50, 3);
  engine.submit([one]);
  clock.advance(1000);
  assert.deepEqual(timesOf(one), [50, 61, 72]);
  assert.deepEqual(one.finish, { type: 'length', length: 3 });
});

test('steps slow down with the batch', () => {
  const { engine, clock, job, timesOf } = createEngine();
  const jobs = [job(20, 3), job(20, 3), job(20, 3)];
  engine.submit(jobs);
  clock.advance(1000);
  for (const one of jobs) assert.deepEqual(timesOf(one), [60, 73, 86]);
});

test('a long prompt is computed in chunks, and its last chunk leaves room for the next prompt', () => {
  const { engine, clock, job, timesOf } = createEngine();
  const [long, short] = [job(250, 1), job(30, 1)];
  engine.submit([long, short]);
  clock.advance(1000);
  assert.deepEqual(timesOf(long), [280]);
  assert.deepEqual(timesOf(short), [280]);
});

test('prompts go before decoding', () => {
  const { engine, clock, job, timesOf } = createEngine();
  const [first, second] = [job(10, 3), job(100, 2)];
  engine.submit([first]);
  clock.advance(15);
  engine.submit([second]);
  clock.advance(1000);
  assert.deepEqual(timesOf(first), [10, 21, 133]);
  assert.deepEqual(timesOf(second), [121, 133]);
});

test('with mixed chunks both are done in one step', () => {
  const { engine, clock, job, timesOf } = createEngine({ mixedChunk: true });
  const [first, second] = [job(10, 3), job(100, 2)];
  engine.submit([first]);
  clock.advance(15);
  engine.submit([second]);
  clock.advance(1000);
  assert.deepEqual(timesOf(first), [10, 21, 132]);
  assert.deepEqual(timesOf(second), [132, 143]);
});

test('no more run at once than allowed; the rest waits in order', () => {
  const { engine, clock, job, timesOf } = createEngine({ maxRunning: 2 });
  const jobs = [job(10, 2), job(10, 2), job(10, 2), job(10, 2)];
  engine.submit(jobs);
  assert.deepEqual([engine.load.running, engine.load.waiting], [2, 2]);
  clock.advance(1000);
  assert.deepEqual(
    jobs.map((one) => timesOf(one)[0]),
    [20, 20, 52, 52],
  );
});

test('no more run at once than there is memory for', () => {
  const { engine, clock, job, timesOf } = createEngine({}, 100);
  const [first, second] = [job(60, 5), job(60, 5)];
  engine.submit([first, second]);
  clock.advance(70);
  assert.deepEqual([engine.load.running, engine.load.waiting], [1, 1]);
  clock.advance(1000);
  assert.equal(timesOf(first).length, 5);
  assert.equal(timesOf(second)[0], (timesOf(first).at(-1) as number) + 60);
});

test('a repeated prompt is computed but for what is cached', () => {
  const { engine, clock, job, timesOf } = createEngine();
  const [first, again] = [job(80, 1, 5000), job(80, 1, 5000)];
  engine.submit([first]);
  clock.advance(100);
  engine.submit([again]);
  clock.advance(100);
  assert.equal(again.cachedTokens, 79);
  assert.deepEqual(timesOf(again), [101]);
});

test('the answer is cached too, so that the next turn of a conversation finds it', () => {
  const { engine, clock, job } = createEngine();
  const first = job(40, 10);
  engine.submit([first]);
  clock.advance(1000);
  const history = [...first.spec.prompt, ...first.spec.answer.ids, 7, 8, 9];
  const next = new Job({ ...first.spec, prompt: history, answer: job(1, 1).spec.answer });
  engine.submit([next]);
  clock.advance(1000);
  // All but the last token of the answer, which was never fed back.
  assert.equal(next.cachedTokens, 49);
});

/** Calls of a meeting, and itself. */
function meetingOf(side: Meeting['side']) {
  const calls: string[] = [];
  const call = (name: string) => (job: Job) => void calls.push(`${name} ${job.id}`);
  return { calls, meeting: { side, queued: call('queued'), move: call('move'), ended: call('ended') } };
}

test('a prefill engine computes a prompt once released, and ends when it has moved', () => {
  const { engine, clock, job, timesOf } = createEngine();
  const { calls, meeting } = meetingOf('prefill');
  const one = job(50, 1, 5000, meeting);
  engine.submit([one]);
  clock.advance(100);
  assert.deepEqual([engine.load.held, engine.load.running, engine.load.waitingTokens], [1, 0, 50]);
  engine.release(one);
  clock.advance(60);
  assert.deepEqual([engine.load.held, engine.load.running, engine.load.handing], [0, 0, 1]);
  assert.deepEqual(calls, ['queued job-0', 'move job-0']);
  assert.equal(engine.load.usedTokens, 50);
  assert.equal(engine.flush(), false);
  clock.advance(40);
  engine.handedOver(one);
  assert.deepEqual(timesOf(one), [200]);
  assert.deepEqual(calls.at(-1), 'ended job-0');
  assert.equal(engine.idle, true);
  assert.equal(engine.load.idleCachedTokens, 50);
});

test('a decode engine has a slot and memory for a prompt before it comes, and never computes it', () => {
  const { engine, clock, job, stats, timesOf } = createEngine({ maxRunning: 1 });
  const { calls, meeting } = meetingOf('decode');
  const [first, second] = [job(50, 3, 5000, meeting), job(50, 2, 5000, meeting)];
  engine.submit([first, second]);
  assert.deepEqual(calls.slice(2), ['move job-0']);
  clock.advance(100);
  engine.handedOver(first, 32);
  assert.equal(first.cachedTokens, 32);
  clock.advance(22);
  assert.deepEqual(timesOf(first), [100, 111, 122]);
  assert.deepEqual(calls.slice(3), ['ended job-0', 'move job-0']);
  engine.handedOver(second);
  clock.advance(100);
  assert.deepEqual(timesOf(second), [122, 133]);
  assert.equal(second.cachedTokens, 0);
  assert.equal(stats.prefillTokens, 0);
  assert.deepEqual([engine.load.idleCachedTokens, engine.load.usedTokens], [0, 0]);
});

test('a prompt that comes during a step gets its token before the next', () => {
  const { engine, clock, job, timesOf } = createEngine();
  const { meeting } = meetingOf('decode');
  const [first, second] = [job(10, 20, 1000, meeting), job(10, 20, 1000, meeting)];
  engine.submit([first, second]);
  engine.handedOver(first);
  clock.advance(5);
  engine.handedOver(second);
  clock.advance(20);
  assert.deepEqual(timesOf(first), [0, 11, 23]);
  assert.deepEqual(timesOf(second), [11, 23]);
});

test('the slot of a job that is lost on the way goes to the next that waits', () => {
  const { engine, job } = createEngine({ maxRunning: 1 });
  const { calls, meeting } = meetingOf('decode');
  const [lost, next] = [job(10, 3, 1, meeting), job(10, 3, 1, meeting)];
  engine.submit([lost, next]);
  engine.fail(lost, 500, 'lost');
  assert.deepEqual(
    calls.slice(-2).map((call) => call.split(' ')[0]),
    ['ended', 'move'],
  );
  assert.deepEqual([engine.load.handing, engine.load.waiting], [1, 0]);
});

test('a job that fails or is aborted on the way leaves nothing behind', () => {
  const { engine, clock, job } = createEngine();
  for (const side of ['prefill', 'decode'] as const) {
    const { calls, meeting } = meetingOf(side);
    const [held, moving, arrived] = [job(10, 3, 1, meeting), job(10, 3, 1, meeting), job(10, 3, 1, meeting)];
    engine.submit([held, moving, arrived]);
    engine.release(moving);
    engine.release(arrived);
    clock.advance(50);
    engine.handedOver(arrived);
    engine.fail(moving, 500, 'lost');
    engine.abort((one) => [held, arrived].includes(one), 'Aborted');
    assert.deepEqual(moving.finish, { type: 'abort', message: 'lost', status: 500 });
    engine.handedOver(moving);
    engine.release(held);
    engine.fail(moving, 400, 'again');
    clock.advance(1000);
    assert.equal(calls.filter((call) => call.startsWith('ended')).length, 3);
    assert.deepEqual([engine.idle, engine.load.usedTokens, moving.outputTokens], [true, 0, 0]);
  }
});

test('a late timer does not slow the rate', () => {
  const { engine, clock, job, timesOf } = createEngine();
  clock.lateMs = 7;
  const one = job(50, 20);
  engine.submit([one]);
  clock.advance(1000);
  const last = timesOf(one).at(-1) as number;
  assert.ok(last <= 50 + 19 * 11 + 7, `last token at ${last} ms`);
});

test('time that the machine could not keep up with is counted, not made up', () => {
  const { engine, clock, stats, job, timesOf } = createEngine();
  clock.lateMs = 2000;
  const one = job(50, 2);
  engine.submit([one]);
  clock.advance(10_000);
  assert.deepEqual(timesOf(one), [2050, 2050 + 11 + 2000]);
  assert.equal(stats.lostMs, 4000);
});

test('an abort frees slot and memory at once, wherever the job is', () => {
  const { engine, clock, job, timesOf } = createEngine({ maxRunning: 2 });
  const [decoding, chunked, waiting] = [job(10, 100), job(300, 1), job(10, 1)];
  engine.submit([decoding, chunked, waiting]);
  clock.advance(150);
  assert.deepEqual([engine.load.running, engine.load.waiting], [2, 1]);
  engine.abort(() => true, 'Aborted');
  for (const one of [decoding, chunked, waiting]) assert.deepEqual(one.finish, { type: 'abort', message: 'Aborted' });
  assert.deepEqual([engine.load.running, engine.load.waiting, engine.load.usedTokens], [0, 0, 0]);
  const told = timesOf(waiting).length;
  clock.advance(1000);
  assert.equal(timesOf(waiting).length, told);
  assert.equal(engine.flush(), true);
});

test('an aborted job makes room for the one that waits', () => {
  const { engine, clock, job, timesOf } = createEngine({ maxRunning: 1 });
  const [first, second] = [job(10, 1000), job(10, 1)];
  engine.submit([first, second]);
  clock.advance(100);
  engine.abort((one) => one === first, 'Client disconnected');
  clock.advance(1000);
  assert.equal(timesOf(second).length, 1);
});

test('the cache is not flushed while there is work', () => {
  const { engine, clock, job } = createEngine();
  engine.submit([job(10, 2)]);
  assert.equal(engine.flush(), false);
  clock.advance(1000);
  assert.equal(engine.load.idleCachedTokens, 11);
  assert.equal(engine.flush(), true);
  assert.equal(engine.load.idleCachedTokens, 0);
});

test('the load says what is running, waiting, used and still to be computed', () => {
  const { engine, clock, job } = createEngine({ maxRunning: 1 });
  engine.submit([job(40, 20, 5000)]);
  clock.advance(40 + 11 * 5);
  engine.submit([job(60, 1, 5000), job(30, 1)]);
  assert.deepEqual(engine.load, {
    running: 1,
    waiting: 2,
    held: 0,
    handing: 0,
    waitingTokens: 90,
    waitingUncachedTokens: 20 + 30,
    usedTokens: 46,
    idleCachedTokens: 0,
  });
});

test('statistics add up', () => {
  const { engine, clock, stats, job } = createEngine();
  engine.submit([job(40, 3, 5000)]);
  clock.advance(1000);
  engine.submit([job(40, 3, 5000), job(20, 3)]);
  clock.advance(1000);
  assert.equal(stats.prefillTokens, 40 + 1 + 20);
  assert.equal(stats.cachedTokens, 39);
  assert.deepEqual(stats.decodeMoments, [4, 6, 46_000, 10, 70_000, 6]);
  assert.equal(stats.streamed.requests, 3);
  assert.equal(stats.streamed.generatedTokens, 9);
  assert.equal(stats.genThroughput, 0);
});

test('a job that wants no tokens ends with its prompt', () => {
  const { engine, clock, job, timesOf } = createEngine();
  const one = job(50, 0);
  engine.submit([one]);
  clock.advance(100);
  assert.deepEqual(timesOf(one), [50]);
  assert.deepEqual(one.finish, { type: 'length', length: 0 });
});
