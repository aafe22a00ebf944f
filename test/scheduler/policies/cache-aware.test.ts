import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CacheAwareOptions, CacheAwarePolicy } from '../../../src/scheduler/policies/cache-aware.ts';
import type { Choice, Result } from '../../../src/scheduler/policies/policy.ts';
import { asking, type TestWorker, workersOf } from '../../helpers/candidates.ts';
import { seededRandom } from '../../helpers/seeded-random.ts';
import { policyContract } from './contract.ts';

const DEFAULTS: CacheAwareOptions = {
  cacheThreshold: 0.5,
  balanceAbsThreshold: 32,
  balanceRelThreshold: 1.0001,
  maxTreeSize: 2 ** 24,
};

/** About so many tokens that are no other prompt's. */
const text = (name: string, tokens: number) => `${name} `.padEnd(4 * tokens, `${name} word `);

function create(options: Partial<CacheAwareOptions> = {}) {
  const clock = { nowMs: 0 };
  return { policy: new CacheAwarePolicy({ ...DEFAULTS, ...options }, () => clock.nowMs), clock };
}

/** A streamed request: chosen, counted, and in flight until `end`. */
function ask(policy: CacheAwarePolicy, workers: readonly TestWorker[], prompt: string) {
  const choice = policy.pick(workers, { ...asking(prompt), streams: true }, true);
  choice.candidate.load++;
  return {
    choice,
    worker: choice.candidate,
    firstByte: () => policy.firstByte(choice),
    end: (result: Partial<Result> = {}) => {
      choice.candidate.load--;
      policy.settled(choice, { firstByteMs: 100, promptTokens: undefined, cachedTokens: undefined, ...result });
    },
  };
}

/** Sends the prompt and lets it finish; returns its choice. */
function serve(policy: CacheAwarePolicy, workers: readonly TestWorker[], prompt: string, result: Partial<Result> = {}) {
  const { choice, firstByte, end } = ask(policy, workers, prompt);
  firstByte();
  end(result);
  return choice as Choice<TestWorker>;
}

policyContract('cache_aware', () => create().policy);

test('balanced: the worker with the highest match, if that is more than the threshold', () => {
  const { policy } = create();
  const workers = workersOf(4);
  const first = serve(policy, workers, text('system', 2000));
  for (let i = 0; i < 5; i++) {
    const again = serve(policy, workers, `${text('system', 2000)}${text(`question ${i}`, 200)}`);
    assert.equal(again.candidate, first.candidate);
    assert.equal(again.reason, 'prefix');
    assert.ok(again.matchedBytes > 7000);
  }
});

test('balanced: of several that match, the one that matches more', () => {
  const { policy } = create();
  const [a, b, c] = workersOf(3);
  serve(policy, [a!], text('system', 1000));
  serve(policy, [b!], text('system', 1000) + text('more', 600));
  const choice = serve(policy, [a!, b!, c!], text('system', 1000) + text('more', 600) + text('question', 100));
  assert.equal(choice.candidate, b);
});

test('however little a prefix saves, an idle fleet keeps to it', () => {
  const { policy } = create();
  const workers = workersOf(4);
  const prompt = 'user: What is the capital of France?';
  const first = serve(policy, workers, prompt);
  for (let i = 0; i < 6; i++) assert.equal(serve(policy, workers, prompt).candidate, first.candidate);
});

test('a few requests in flight do not part a prompt from its prefix', () => {
  const { policy } = create();
  const workers = workersOf(4);
  const { candidate } = serve(policy, workers, text('system', 4000));
  candidate.load = 5;
  assert.equal(serve(policy, workers, text('system', 4000)).candidate, candidate);
});

test('below the threshold: the worker with the most free cache', () => {
  const { policy } = create();
  const workers = workersOf(3);
  serve(policy, [workers[0]!], text('a', 300) + text('b', 1000));
  serve(policy, [workers[1]!], text('c', 200));
  const choice = serve(policy, workers, text('a', 300) + text('z', 1000));
  assert.equal(choice.candidate, workers[2]);
  assert.equal(choice.reason, 'free_cache');
});

test('below the threshold: free cache is what the engine can hold less what was sent there', () => {
  const { policy } = create();
  const workers = workersOf(2);
  policy.learned(workers[0]!, { kvCapacityTokens: 100_000 });
  policy.learned(workers[1]!, { kvCapacityTokens: 1_000_000 });
  for (let i = 0; i < 10; i++) assert.equal(serve(policy, workers, text(`p${i}`, 1000)).candidate, workers[1]);
});

test('a higher threshold asks for more of a match', () => {
  const prompt = text('system', 600) + text('question', 400);
  const chosen = [0.5, 0.9].map((cacheThreshold) => {
    const { policy } = create({ cacheThreshold });
    const workers = workersOf(2);
    serve(policy, [workers[0]!], text('system', 600));
    return serve(policy, workers, prompt).candidate.url;
  });
  assert.deepEqual(chosen, ['http://w0', 'http://w1']);
});

test('imbalanced: the shortest queue, whatever matches', () => {
  const { policy } = create();
  const workers = workersOf(3);
  const { candidate } = serve(policy, workers, text('system', 100_000));
  const others = workers.filter((worker) => worker !== candidate);
  candidate.load = 40;
  others[0]!.load = 7;
  others[1]!.load = 12;
  const choice = serve(policy, workers, text('system', 100_000));
  assert.equal(choice.candidate, others[0]);
  assert.equal(choice.reason, 'shortest_queue');
});

test('imbalanced: of the less busy half, the one that has the prefix', () => {
  const { policy } = create();
  const workers = workersOf(3);
  for (const worker of [workers[0]!, workers[2]!]) serve(policy, [worker], text('system', 4000));
  for (const [i, load] of [40, 2, 9].entries()) workers[i]!.load = load;
  assert.equal(serve(policy, workers, text('system', 4000)).candidate, workers[2]);
});

test('imbalanced takes both thresholds', () => {
  const cases = [
    { options: {}, loads: [132, 100], reason: 'prefix' },
    { options: {}, loads: [133, 100], reason: 'shortest_queue' },
    { options: { balanceRelThreshold: 1.5 }, loads: [140, 100], reason: 'prefix' },
    { options: { balanceAbsThreshold: 64 }, loads: [140, 100], reason: 'prefix' },
  ];
  for (const { options, loads, reason } of cases) {
    const { policy } = create(options);
    const workers = workersOf(2);
    serve(policy, [workers[0]!], text('system', 100_000));
    for (const [i, load] of loads.entries()) workers[i]!.load = load;
    assert.equal(serve(policy, workers, text('system', 100_000)).reason, reason, JSON.stringify({ options, loads }));
  }
});

test('one hot prefix uses all workers alike', () => {
  const { policy } = create();
  const workers = workersOf(8);
  const served = new Map(workers.map(({ url }) => [url, 0]));
  const running: { end: () => void }[] = [];
  for (let i = 0; i < 800; i++) {
    if (running.length === 32) running.shift()!.end();
    const request = ask(policy, workers, text('hot', 2000) + text(`question ${i}`, 128));
    request.firstByte();
    running.push(request);
    served.set(request.worker.url, served.get(request.worker.url)! + 1);
  }
  assert.ok(Math.max(...served.values()) <= 150, JSON.stringify([...served.values()]));
  assert.ok(Math.min(...served.values()) >= 50, JSON.stringify([...served.values()]));
});

test('groups of prompts stay together, each on a worker of its own', () => {
  const { policy } = create();
  const workers = workersOf(8);
  for (let group = 0; group < 16; group++) {
    const urls = new Set<string>();
    for (let i = 0; i < 6; i++)
      urls.add(serve(policy, workers, text(`group ${group}`, 2000) + text(`q${i}`, 128)).candidate.url);
    assert.equal(urls.size, 1);
  }
});

test('prompts that nobody has wait for no one: they go where the least is to be computed', () => {
  const { policy } = create();
  const workers = workersOf(2);
  const long = ask(policy, workers, text('long', 50_000));
  const short = [1, 2, 3].map((i) => ask(policy, workers, text(`short ${i}`, 500)));
  assert.ok(short.every(({ worker }) => worker !== long.worker));
  long.firstByte();
  assert.equal(ask(policy, workers, text('short 4', 500)).worker, long.worker);
});

for (const count of [4, 8]) {
  test(`a burst of 500 different prompts is even over ${count} workers, in requests and in tokens`, () => {
    const { policy } = create();
    const workers = workersOf(count);
    const random = seededRandom(count);
    const tokens = new Map(workers.map((worker) => [worker, 0]));
    for (let i = 0; i < 500; i++) {
      const length = 1 + Math.floor(random() * 256);
      const { worker } = ask(policy, workers, text(`prompt ${i}`, length));
      tokens.set(worker, (tokens.get(worker) as number) + length);
    }
    for (const shares of [workers.map(({ load }) => load), [...tokens.values()]]) {
      const mean = shares.reduce((sum, share) => sum + share, 0) / count;
      assert.ok(Math.max(...shares) < 1.12 * mean && Math.min(...shares) > 0.88 * mean, `${shares}`);
    }
  });
}

test('a prompt that was given up does not count any more', () => {
  const { policy } = create();
  const workers = workersOf(2);
  const long = ask(policy, workers, text('long', 50_000));
  long.end({ firstByteMs: undefined });
  assert.equal(
    ask(policy, workers, text('x', 500)).choice.scores?.every(({ pendingTokens }) => pendingTokens === 0),
    true,
  );
});

test('an answer that comes at once counts as computed after the time that takes', () => {
  const { policy, clock } = create();
  const workers = workersOf(1);
  policy.pick(workers, asking(text('a', 5000)));
  const pending = () => policy.pick(workers, asking(''), true).scores![0]!.pendingTokens as number;
  assert.ok(pending() > 4000);
  clock.nowMs = 10_000;
  assert.equal(pending(), 0);
});

test('a slow worker gets less', () => {
  const { policy } = create();
  const workers = workersOf(2);
  const served = [0, 0];
  const running: ReturnType<typeof ask>[] = [];
  for (let i = 0; i < 400; i++) {
    if (running.length === 8) {
      const request = running.shift()!;
      const tokens = request.choice.queuedTokens;
      request.end({ firstByteMs: tokens / (request.worker.slot === 0 ? 2 : 8) });
    }
    const request = ask(policy, workers, text(`prompt ${i}`, 1000));
    running.push(request);
    served[request.worker.slot]!++;
  }
  assert.ok(served[0]! < served[1]! * 0.6, served.join(' '));
});

test('a removed worker is gone from the index and from the queues', () => {
  const { policy } = create();
  const workers = workersOf(2);
  const lost = ask(policy, [workers[0]!], text('system', 2000));
  policy.removed(workers[0]!);
  const fresh = { url: 'http://new', slot: 0, load: 0 };
  const { scores } = policy.pick([fresh], asking(text('system', 2000)), true);
  assert.deepEqual([scores![0]!.matchedBytes, scores![0]!.pendingTokens, scores![0]!.waiting], [0, 0, 0]);
  lost.end();
  const after = policy.pick([fresh], asking(''), true).scores![0]!;
  assert.equal(after.waiting, 1);
});

test('the least recently used prompts leave a full cache, and the index above its size', () => {
  const { policy } = create();
  const [worker] = workersOf(1);
  policy.learned(worker!, { kvCapacityTokens: 3100 });
  for (const name of ['a', 'b', 'a', 'c', 'd']) serve(policy, [worker!], text(name, 1000));
  const matched = (name: string) => policy.pick([worker!], asking(text(name, 1000))).matchedBytes;
  assert.equal(matched('d'), 4000);
  assert.equal(matched('a'), 4000);

  const small = create({ maxTreeSize: 40 }).policy;
  for (let i = 0; i < 50; i++) serve(small, [worker!], text(`p${i}`, 1000));
  small.evict();
  assert.equal(small.pick([worker!], asking(text('p49', 1000))).matchedBytes, 4000);
  assert.equal(small.pick([worker!], asking(text('p0', 1000))).matchedBytes, 0);
});

test('what the engine reports as not cached is forgotten, with all that is older', () => {
  const { policy } = create();
  const [worker] = workersOf(1);
  for (const name of ['old', 'a', 'new']) serve(policy, [worker!], text(name, 1000));
  assert.equal(serve(policy, [worker!], text('a', 1000), { promptTokens: 1000, cachedTokens: 0 }).matchedBytes, 4000);
  const matched = (name: string) => policy.pick([worker!], asking(text(name, 1000))).matchedBytes;
  assert.equal(matched('new'), 4000);
  assert.equal(matched('old'), 0);
});

test('a prefix that was still being computed proves nothing about the cache', () => {
  const { policy } = create();
  const [worker] = workersOf(1);
  serve(policy, [worker!], text('old', 1000));
  const first = ask(policy, [worker!], text('a', 1000));
  const second = ask(policy, [worker!], text('a', 1000));
  second.end({ promptTokens: 1000, cachedTokens: 0 });
  first.end({ promptTokens: 1000, cachedTokens: 0 });
  assert.equal(policy.pick([worker!], asking(text('old', 1000))).matchedBytes, 4000);
});

test('a request without a prompt goes to the least loaded, in turn when all are alike', () => {
  const { policy } = create();
  const workers = workersOf(3);
  const urls = [1, 2, 3].map(() => policy.pick(workers, { prompt: undefined, key: undefined }).candidate.url);
  assert.equal(new Set(urls).size, 3);
  workers[0]!.load = 3;
  workers[1]!.load = 2;
  assert.equal(policy.pick(workers, { prompt: undefined, key: undefined }).candidate, workers[2]);
});

/** Serves a request of session `key` whose prompt nobody has; returns its choice. */
function serveSession(policy: CacheAwarePolicy, workers: readonly TestWorker[], key: string, prompt: string) {
  const choice = policy.pick(workers, { ...asking(prompt, key), streams: true });
  policy.firstByte(choice);
  policy.settled(choice, { firstByteMs: 100, promptTokens: undefined, cachedTokens: undefined });
  return choice;
}

test('a session that shows no prefix stays where it was, unless that is busy', () => {
  const { policy } = create();
  const workers = workersOf(4);
  const first = serveSession(policy, workers, 'me', text('first', 300)).candidate;
  for (let i = 0; i < 8; i++) serve(policy, workers, text(`of others ${i}`, 300));
  for (const tokens of [1, 300, 20_000]) {
    const next = serveSession(policy, workers, 'me', text(`next ${tokens}`, tokens));
    assert.equal(next.candidate, first, `${tokens} tokens`);
    assert.equal(next.reason, 'session');
  }
  first.load = 5;
  assert.notEqual(serveSession(policy, workers, 'me', text('third', 300)).candidate, first);
});

test('a prefix says more than a session', () => {
  const { policy } = create();
  const workers = workersOf(4);
  const holder = serve(policy, [workers[2]!], text('system', 280)).candidate;
  serveSession(policy, [workers[1]!], 'me', text('else', 300));
  holder.load = 2;
  const choice = serveSession(policy, workers, 'me', text('system', 280) + text('question', 120));
  assert.equal(choice.candidate, holder);
  assert.equal(choice.reason, 'prefix');
});

test('the longest match counts, to however many depths others hold the prompt', () => {
  const { policy } = create();
  const workers = workersOf(12);
  const prompt = text('prompt', 12_000);
  for (const [i, worker] of workers.entries()) serve(policy, [worker], prompt.slice(0, 4_000 * (i + 1)));
  const choice = serve(policy, workers, prompt);
  assert.deepEqual([choice.candidate, choice.reason], [workers[11], 'prefix']);
});

test('a worker that does not tell its size has no more room than the others', () => {
  const { policy } = create();
  const workers = workersOf(4);
  for (const worker of workers.slice(1)) policy.learned(worker, { kvCapacityTokens: 100_000 });
  for (let i = 0; i < 40; i++) serve(policy, workers, text(`prompt ${i}`, 500));
  const chosen = Array.from({ length: 40 }, (_, i) => serve(policy, workers, text(`other ${i}`, 500)).candidate.slot);
  for (const { slot } of workers) assert.ok(chosen.filter((one) => one === slot).length <= 20, String(chosen));
});

test('a session forgets a worker that was removed', () => {
  const { policy } = create();
  const workers = workersOf(4);
  const { candidate } = serveSession(policy, workers, 'me', text('first', 300));
  policy.removed(candidate);
  assert.equal(serveSession(policy, workers, 'me', text('second', 300)).reason, 'free_cache');
});

test('a prompt that is computed whatever is cached proves nothing about the cache', () => {
  const { policy } = create();
  const [worker] = workersOf(1);
  serve(policy, [worker!], text('old', 1000));
  serve(policy, [worker!], text('a', 1000));
  const choice = policy.pick([worker!], { ...asking(text('a', 1000)), recomputes: true });
  assert.equal(choice.matchedBytes, 0);
  policy.settled(choice, { firstByteMs: 100, promptTokens: 1000, cachedTokens: 0 });
  assert.equal(policy.pick([worker!], asking(text('old', 1000))).matchedBytes, 4000);
  assert.equal(policy.pick([worker!], asking(text('a', 1000))).matchedBytes, 4000);
});

const computed = { promptTokens: 1000, cachedTokens: 0 };
const fromCache = { promptTokens: 1000, cachedTokens: 1000 };

test('several prompts in a row that are gone cost a worker all that it had when it was idle, but not what it has had since', () => {
  const { policy } = create();
  const [worker] = workersOf(1);
  const names = ['a', 'b', 'c', 'd', 'e'];
  for (const name of names) serve(policy, [worker!], text(name, 1000), computed);
  const matched = () => names.map((name) => policy.pick([worker!], asking(text(name, 1000))).matchedBytes > 0);
  for (const name of ['a', 'b', 'c']) serve(policy, [worker!], text(name, 1000), computed);
  assert.deepEqual(matched(), [true, true, true, false, false]);
});

test('one that is still there shows that those that are gone were dropped for want of room', () => {
  const { policy } = create();
  const [worker] = workersOf(1);
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) serve(policy, [worker!], text(name, 1000), computed);
  for (const [name, result] of [
    ['a', computed],
    ['b', computed],
    ['f', fromCache],
    ['c', computed],
    ['d', computed],
  ] as const)
    serve(policy, [worker!], text(name, 1000), result);
  assert.equal(policy.pick([worker!], asking(text('e', 1000))).matchedBytes, 4000);
});

test('an engine that does not report what was cached is believed to have it', () => {
  const { policy } = create();
  const [worker] = workersOf(1);
  for (const name of ['a', 'b', 'c', 'd']) serve(policy, [worker!], text(name, 1000));
  for (let i = 0; i < 5; i++)
    for (const name of ['a', 'b', 'c']) serve(policy, [worker!], text(name, 1000), { promptTokens: 1000 });
  assert.equal(policy.pick([worker!], asking(text('d', 1000))).matchedBytes, 4000);
});

test('a worker that computed more than was predicted is not taken for slow', () => {
  const { policy } = create();
  const workers = workersOf(2);
  for (let i = 0; i < 10; i++) {
    for (const [slot, worker] of workers.entries()) {
      const known = text(`known ${i}`, 2000);
      serve(policy, [worker], known);
      // Both compute 8 tokens a millisecond; the first has lost what it is asked for.
      const lost = ask(policy, [worker], known);
      const next = ask(policy, [worker], text(`new ${i}`, 1000));
      const cachedTokens = slot === 0 ? 0 : 2000;
      lost.end({ firstByteMs: (2000 - cachedTokens) / 8, promptTokens: 2000, cachedTokens });
      next.end({ firstByteMs: (3000 - cachedTokens) / 8, promptTokens: 1000, cachedTokens: 0 });
    }
  }
  assert.deepEqual(
    policy.pick(workers, asking('?'), true).scores!.map(({ speed }) => speed),
    [1, 1],
  );
});

for (const seed of [1, 3, 7]) {
  test(`bursts of groups of prompts stay together when the caches are emptied between them, order ${seed}`, () => {
    const { policy, clock } = create();
    const workers = workersOf(8);
    for (const worker of workers) policy.learned(worker, { kvCapacityTokens: 524_288 });
    const random = seededRandom(seed);
    const hits = [1, 2, 3, 4].map(() => {
      const share = burst(policy, workers, random);
      clock.nowMs += 10_000;
      return share;
    });
    for (const hit of hits) assert.ok(hit > hits[0]! - 0.005, hits.join(' '));
  });
}

/** 64 groups of 16 prompts, all sent before the first answer comes, to workers with empty caches; returns the share that was cached. */
function burst(policy: CacheAwarePolicy, workers: readonly TestWorker[], random: () => number): number {
  const order = Array.from({ length: 1024 }, (_, i) => [random(), i] as const).sort(([a], [b]) => a - b);
  const cached = new Set<string>();
  const work = workers.map(() => 0);
  let hits = 0;
  const running = order.map(([, i]) => {
    const group = i % 64;
    const request = ask(policy, workers, text(`group ${group}`, 2048) + text(`question ${i}`, 128));
    const { slot } = request.worker;
    const cachedTokens = cached.has(`${slot} ${group}`) ? 2048 : 0;
    cached.add(`${slot} ${group}`);
    hits += cachedTokens;
    work[slot]! += 2176 - cachedTokens;
    return { request, result: { firstByteMs: work[slot]! / 8, promptTokens: 2176, cachedTokens } };
  });
  for (const { request } of running) request.firstByte();
  for (const { request, result } of running) request.end(result);
  return hits / (1024 * 2176);
}
