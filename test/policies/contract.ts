import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Policy } from '../../src/policies/policy.ts';

const workers = (count: number) => Array.from({ length: count }, (_, i) => ({ url: `http://w${i}`, load: i }));

/** What every policy promises, whatever its way to choose. */
export function policyContract(name: string, create: () => Policy): void {
  test(`${name}: goes by its name`, () => assert.equal(create().name, name));

  test(`${name}: picks the only candidate`, () => {
    const [only] = workers(1);
    assert.equal(create().pick([only!]), only);
  });

  test(`${name}: picks one of the candidates, however their number changes`, () => {
    const policy = create();
    for (let turn = 0; turn < 200; turn++) {
      const candidates = workers(1 + ((turn * 7) % 9));
      assert.ok(candidates.includes(policy.pick(candidates)));
    }
  });

  test(`${name}: uses every one of eight workers`, () => {
    const policy = create();
    const candidates = workers(8);
    const used = new Set(Array.from({ length: 400 }, () => policy.pick(candidates).url));
    assert.equal(used.size, 8);
  });
}
