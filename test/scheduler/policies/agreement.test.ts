import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConsistentHashingPolicy } from '../../../src/scheduler/policies/consistent-hashing.ts';
import { ManualPolicy } from '../../../src/scheduler/policies/manual.ts';
import type { Policy } from '../../../src/scheduler/policies/policy.ts';
import { PrefixHashPolicy } from '../../../src/scheduler/policies/prefix-hash.ts';
import { asking, type TestWorker } from '../../helpers/candidates.ts';
import { seededRandom } from '../../helpers/seeded-random.ts';

/** One of several routers: its policy, and the workers in the order and on the slots that they have there. */
class TestRouter {
  readonly policy: Policy;
  readonly #random: () => number;
  #workers: TestWorker[] = [];
  #freeSlots = Array.from({ length: 64 }, (_, slot) => slot);

  constructor(create: (random: () => number) => Policy, random: () => number) {
    this.policy = create(random);
    this.#random = random;
  }

  /** Where it was added last matters no more than which slot was free. */
  add(url: string): void {
    const slot = this.#freeSlots.splice(Math.floor(this.#random() * this.#freeSlots.length), 1)[0] as number;
    this.#workers.splice(Math.floor(this.#random() * (this.#workers.length + 1)), 0, { url, slot, load: 0 });
  }

  remove(url: string): void {
    const gone = this.#workers.find((worker) => worker.url === url) as TestWorker;
    this.#workers = this.#workers.filter((worker) => worker !== gone);
    this.policy.removed?.(gone);
    this.#freeSlots.push(gone.slot);
  }

  /** The worker of a request; one that is held back is no candidate. */
  pick(prompt: string, key: string | undefined, heldBack?: string): string {
    const candidates = this.#workers.filter(({ url }) => url !== heldBack);
    return this.policy.pick(candidates, asking(prompt, key)).candidate.url;
  }
}

const POLICIES: Readonly<Record<string, (random: () => number) => Policy>> = {
  consistent_hashing: (random) => new ConsistentHashingPolicy(random),
  prefix_hash: (random) => new PrefixHashPolicy(random),
};

for (const [name, create] of Object.entries(POLICIES)) {
  test(`${name}: routers that do not talk send the same request to the same worker, through any changes of the workers`, () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = seededRandom(seed);
      const routers = Array.from({ length: 3 }, (_, n) => new TestRouter(create, seededRandom(100 * seed + n)));
      const urls: string[] = [];
      let added = 0;
      for (let turn = 0; turn < 60; turn++) {
        if (urls.length < 2 || (urls.length < 20 && random() < 0.6)) {
          const url = random() < 0.2 ? `http://w${added}:8000@1` : `http://w${added}:8000`;
          added++;
          urls.push(url);
          for (const router of routers) router.add(url);
        } else {
          const [gone] = urls.splice(Math.floor(random() * urls.length), 1);
          for (const router of routers) router.remove(gone as string);
        }
        for (let request = 0; request < 10; request++) {
          const prompt = `${Math.floor(random() * 1000)} is the number of this conversation. `.repeat(30);
          const key = random() < 0.5 ? `session ${Math.floor(random() * 1000)}` : undefined;
          const workers = new Set(routers.map((router) => router.pick(prompt, key)));
          assert.equal(workers.size, 1, `seed ${seed}, turn ${turn}: ${[...workers]}`);
        }
      }
    }
  });

  test(`${name}: where one router holds a worker back, only that worker's requests go elsewhere, and to what all would take next`, () => {
    const routers = Array.from({ length: 3 }, (_, n) => new TestRouter(create, seededRandom(n + 1)));
    for (const router of routers) for (let n = 0; n < 8; n++) router.add(`http://w${n}`);
    const [holding, other, without] = routers as [TestRouter, TestRouter, TestRouter];
    without.remove('http://w3');
    let moved = 0;
    for (let n = 0; n < 500; n++) {
      const request = [`${n} is the number of this conversation. `.repeat(30), `session ${n}`] as const;
      const [there, here] = [other.pick(...request), holding.pick(...request, 'http://w3')];
      assert.equal(here, without.pick(...request));
      if (there === 'http://w3') moved++;
      else assert.equal(here, there);
    }
    assert.ok(moved > 20, `${moved}`);
  });
}

test('manual: routers that do not talk give a new key the same worker', () => {
  const create = (random: () => number) =>
    new ManualPolicy({ assignmentMode: 'random', maxIdleMs: 1000 }, random, () => 0);
  const routers = Array.from({ length: 3 }, (_, n) => new TestRouter(create, seededRandom(n + 1)));
  for (const router of routers) for (let n = 0; n < 8; n++) router.add(`http://w${n}`);
  const used = new Map<string, number>();
  for (let session = 0; session < 800; session++) {
    const workers = new Set(routers.map((router) => router.pick('', `session ${session}`)));
    assert.equal(workers.size, 1);
    for (const worker of workers) used.set(worker, (used.get(worker) ?? 0) + 1);
  }
  // Five standard deviations of a fair draw.
  for (let n = 0; n < 8; n++) assert.ok(Math.abs((used.get(`http://w${n}`) ?? 0) - 100) < 50);
});
