import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SearchLine } from '../../../src/scheduler/stored/search-line.ts';

/** Searches that have begun, and end when the test says. */
function searching() {
  const line = new SearchLine();
  const begun: PromiseWithResolvers<string>[] = [];
  const search = () => {
    const one = Promise.withResolvers<string>();
    begun.push(one);
    return one.promise;
  };
  return { begun, run: (over = new AbortController()) => line.run(over.signal, search) };
}

const settled = () => new Promise(setImmediate);

/** Of five more searches four begin, after those that have ended. */
async function fourPlacesAreFree({ begun, run }: ReturnType<typeof searching>, ended: number): Promise<void> {
  const after = Array.from({ length: 5 }, () => run());
  await settled();
  assert.equal(begun.length, ended + 4);
  for (const one of begun) one.resolve('none');
  await settled();
  begun[ended + 4]?.resolve('none');
  await Promise.all(after);
}

test('four searches run at once, others in their turn, and one whose client has left never', async () => {
  const { begun, run } = searching();
  const leaving = new AbortController();
  const searches = [run(), run(), run(), run(), run(leaving), run(), run()];
  await settled();
  assert.equal(begun.length, 4);
  leaving.abort();
  assert.equal(await searches[4], undefined);
  begun[0]?.resolve('found');
  assert.equal(await searches[0], 'found');
  await settled();
  assert.equal(begun.length, 5);
  begun[1]?.reject(new Error('broken'));
  await assert.rejects(searches[1] as Promise<unknown>, /broken/);
  await settled();
  assert.equal(begun.length, 6);
  for (const one of begun) one.resolve('none');
  await Promise.all(searches.filter((_, at) => at !== 1));
  await fourPlacesAreFree({ begun, run }, 6);
});

test('searches that wait for a server that hangs do not hold up others', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { begun, run } = searching();
  const searches = Array.from({ length: 8 }, () => run());
  await settled();
  assert.equal(begun.length, 4);
  t.mock.timers.tick(250);
  await settled();
  assert.equal(begun.length, 8);
  for (const one of begun) one.resolve('none');
  await Promise.all(searches);
  await fourPlacesAreFree({ begun, run }, 8);
});
