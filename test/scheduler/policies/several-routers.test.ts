import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CacheAwarePolicy } from '../../../src/scheduler/policies/cache-aware.ts';
import type { Choice } from '../../../src/scheduler/policies/policy.ts';
import type { ChoiceTeller, SharedChoice } from '../../../src/scheduler/policies/shared-choice.ts';
import { asking, type TestWorker, workersOf } from '../../helpers/candidates.ts';

const OPTIONS = { cacheThreshold: 0.5, balanceAbsThreshold: 32, balanceRelThreshold: 1.0001, maxTreeSize: 2 ** 20 };

const text = (name: string, tokens: number) => `${name} `.padEnd(4 * tokens, `${name} word `);

/** A router's policy with its own view of the same workers; it hears at once what those before it and after it choose. */
class TestRouter implements ChoiceTeller {
  readonly isHeard = true;
  readonly clock = { nowMs: 0 };
  readonly policy = new CacheAwarePolicy(OPTIONS, () => this.clock.nowMs);
  readonly workers: TestWorker[];
  readonly heard = new Map<string, Choice>();
  readonly others: TestRouter[] = [];
  #number = 0;

  constructor(count: number) {
    this.workers = workersOf(count);
    this.policy.share(this);
  }

  chosen(choice: SharedChoice): number {
    const number = ++this.#number;
    for (const { workers, policy, heard } of this.others) {
      const candidate = workers.find(({ url }) => url === choice.url) as TestWorker;
      heard.set(this.#keyOf(number), policy.chosenElsewhere(candidate, choice));
    }
    return number;
  }

  computed(number: number): void {
    for (const { policy, heard } of this.others) policy.firstByte(heard.get(this.#keyOf(number)) as Choice);
  }

  settled(number: number, surplusTokens: number): void {
    for (const { policy, heard } of this.others) {
      policy.endedElsewhere(heard.get(this.#keyOf(number)) as Choice, surplusTokens);
    }
  }

  #keyOf(number: number): string {
    return `${routers.get(this)} ${number}`;
  }

  /** A streamed request: chosen, counted, and in flight until `end`. */
  ask(prompt: string, key?: string) {
    const choice = this.policy.pick(this.workers, { ...asking(prompt, key), streams: true }, true);
    choice.candidate.load++;
    return {
      choice,
      firstByte: () => this.policy.firstByte(choice),
      end: (cachedTokens?: number) => {
        choice.candidate.load--;
        const promptTokens = cachedTokens === undefined ? undefined : Math.round(prompt.length / 4);
        this.policy.settled(choice, { firstByteMs: 100, promptTokens, cachedTokens });
      },
    };
  }
}

const routers = new Map<TestRouter, number>();

function severalRouters(count: number, workers: number): TestRouter[] {
  const all = Array.from({ length: count }, () => new TestRouter(workers));
  for (const [n, router] of all.entries()) {
    routers.set(router, n);
    router.others.push(...all.filter((other) => other !== router));
  }
  return all;
}

test('a prompt that one router has sent goes to the same worker from all of them', () => {
  const all = severalRouters(4, 8);
  for (let group = 0; group < 40; group++) {
    const system = text(`group ${group}`, 2000);
    const first = all[group % 4]!.ask(`${system}${text('first', 100)}`);
    first.firstByte();
    first.end();
    for (const [n, router] of all.entries()) {
      const next = router.ask(`${system}${text(`question ${n}`, 100)}`);
      assert.equal(next.choice.candidate.url, first.choice.candidate.url);
      assert.equal(next.choice.reason, 'prefix');
      next.firstByte();
      next.end();
    }
  }
});

test('what other routers have in flight counts, until they say that it is over', () => {
  const [here, there] = severalRouters(2, 2) as [TestRouter, TestRouter];
  const running = Array.from({ length: 6 }, (_, n) => there.ask(text(`other ${n}`, 1000)));
  const atOnce = there.workers.map(({ load }) => [load, load]);
  const [a, b] = atOnce as [number[], number[]];
  assert.equal(Number(a[0]) + Number(b[0]), 6);
  const scores = here.ask(text('mine', 1000)).choice.scores?.map(({ load, waiting }) => [load, waiting]);
  assert.deepEqual(scores, atOnce);
  for (const { firstByte } of running) firstByte();
  for (const { end } of running.slice(0, 3)) end();
  const [first, second] = here.ask(text('more', 1000)).choice.scores!;
  assert.equal(Number(first!.load) + Number(second!.load), 4);
  assert.equal(Number(first!.waiting) + Number(second!.waiting), 1);
});

test('all of them together spread new prompts', () => {
  const all = severalRouters(4, 8);
  for (let n = 0; n < 64; n++) all[n % 4]!.ask(text(`prompt ${n}`, 1000));
  const loads = all[0]!.workers.map((_, slot) => all.reduce((sum, { workers }) => sum + workers[slot]!.load, 0));
  assert.ok(Math.min(...loads) >= 4 && Math.max(...loads) <= 12, `${loads}`);
});

test('new prompts that several get before they hear of each other mostly go to the same workers all the same', () => {
  const [here, there] = [new TestRouter(8), new TestRouter(8)];
  const urls = (router: TestRouter, prompts: readonly number[]) =>
    new Map(prompts.map((n) => [n, router.ask(text(`prompt ${n}`, 1000)).choice.candidate.url]));
  const prompts = Array.from({ length: 64 }, (_, n) => n);
  const first = urls(here, prompts);
  const second = urls(there, prompts.toReversed());
  const same = prompts.filter((n) => first.get(n) === second.get(n)).length;
  // One in eight by chance.
  assert.ok(same > 32, `${same} of 64`);
});

test('a session goes to where another router has sent it', () => {
  const [here, there] = severalRouters(2, 8) as [TestRouter, TestRouter];
  for (let session = 0; session < 20; session++) {
    const first = there.ask(`${session} begins`, `session ${session}`);
    first.firstByte();
    first.end();
    const next = here.ask(`${session} goes on otherwise`, `session ${session}`);
    assert.equal(next.choice.candidate.url, first.choice.candidate.url);
    assert.equal(next.choice.reason, 'session');
    next.end();
  }
});

test('when all is over nothing is left of what others had in flight', () => {
  const all = severalRouters(3, 4);
  const running = Array.from({ length: 300 }, (_, n) => all[n % 3]!.ask(text(`prompt ${n % 40}`, 500)));
  for (const [n, { firstByte, end }] of running.entries()) {
    if (n % 2) firstByte();
    end(n % 3 ? 0 : undefined);
  }
  for (const router of all) {
    const { choice, end } = router.ask('short');
    end();
    for (const { load, waiting, pendingTokens } of choice.scores!) {
      assert.deepEqual([load, waiting, pendingTokens], [0, 0, 0]);
    }
  }
});
