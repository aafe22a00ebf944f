import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Additions } from '../../src/api/additions.ts';
import { createLog } from '../../src/observe/log/log.ts';
import { testRegistry } from '../helpers/test-registry.ts';

const silent = createLog('critical', () => {});

test('a failed addition can be asked for during five minutes, by id and by URL', async (t) => {
  t.mock.timers.enable({ apis: ['Date'] });
  await using registry = testRegistry();
  const additions = new Additions(registry.workers, silent);
  additions.fail('id-1', 'http://a:1', 'first');
  t.mock.timers.tick(200_000);
  additions.fail('id-2', 'http://a:1', 'second');
  assert.equal(additions.failed('id-1')?.problem, 'first');
  assert.equal(additions.failed('http://a:1/')?.problem, 'second');
  t.mock.timers.tick(100_001);
  assert.equal(additions.failed('id-1'), undefined);
  assert.equal(additions.failed('id-2')?.problem, 'second');
  t.mock.timers.tick(200_000);
  assert.equal(additions.failed('http://a:1'), undefined);
});

test('nobody has to wait for an addition that fails', async () => {
  await using registry = testRegistry();
  const additions = new Additions(registry.workers, silent);
  const { worker } = additions.start({ url: 'http://127.0.0.1:1' }, 20);
  await new Promise((resolve) => registry.workers.once('remove', resolve));
  assert.equal(additions.pending(worker), undefined);
  assert.match(additions.failed(worker.id)?.problem ?? '', /ECONNREFUSED|not asked yet/);
});
