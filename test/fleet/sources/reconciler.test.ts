import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Reconciler } from '../../../src/fleet/sources/reconciler.ts';
import type { FoundWorker, SourceName, WorkerSource } from '../../../src/fleet/sources/worker-source.ts';
import { createLog } from '../../../src/observe/log/log.ts';
import { testRegistry } from '../../helpers/test-registry.ts';
import { until } from '../../helpers/test-router.ts';

/** A source that names what a test says. */
class Named implements WorkerSource {
  readonly name: SourceName;
  readonly stale = undefined;
  #tell: (workers: readonly FoundWorker[]) => void = () => {};

  constructor(name: SourceName) {
    this.name = name;
  }

  start(tell: (workers: readonly FoundWorker[]) => void): void {
    this.#tell = tell;
  }

  close(): void {}

  names(...found: (string | FoundWorker)[]): void {
    this.#tell(found.map((each) => (typeof each === 'string' ? { spec: { url: each } } : each)));
  }
}

function reconcile() {
  const registry = testRegistry({ disabled: true });
  const reconciler = new Reconciler(
    registry.workers,
    createLog('info', () => {}),
  );
  const [file, kubernetes] = [new Named('file'), new Named('kubernetes')];
  reconciler.follow(file);
  reconciler.follow(kubernetes);
  const urls = () => registry.workers.workers.map(({ url }) => url);
  return { ...registry, registry: registry.workers, file, kubernetes, urls };
}

const [A, B] = ['http://127.0.0.1:1', 'http://127.0.0.1:2'];

test('what one source added another does not remove', async () => {
  await using all = reconcile();
  all.file.names(A);
  all.kubernetes.names(B);
  all.kubernetes.names();
  assert.deepEqual(all.urls(), [A]);
});

test('a worker that several name stays until the last of them drops it, and is not touched meanwhile', async () => {
  await using all = reconcile();
  all.kubernetes.names({ spec: { url: A }, uid: '1' });
  const worker = all.registry.get(A);
  all.file.names(A);
  all.kubernetes.names();
  all.kubernetes.names({ spec: { url: A }, uid: '2' });
  all.file.names();
  assert.equal(all.registry.get(A), worker);
  all.kubernetes.names();
  assert.deepEqual(all.urls(), []);
});

test('workers that came by a call are left alone; a source has them when the call is undone', async () => {
  await using all = reconcile();
  const worker = all.registry.add({ url: A, source: 'api' });
  all.file.names(A, B);
  all.file.names(B);
  assert.equal(all.registry.get(A), worker);
  all.file.names(A, B);
  void all.registry.remove(A);
  await until(() => all.registry.get(A)?.spec.source === 'file');
});

test('a worker that a call took out stays out for as long as its source names the same one', async () => {
  await using all = reconcile();
  all.kubernetes.names({ spec: { url: A }, uid: '1' });
  void all.registry.remove(A);
  all.kubernetes.names({ spec: { url: A }, uid: '1' }, { spec: { url: B }, uid: '2' });
  assert.deepEqual(all.urls(), [B]);
  all.kubernetes.names({ spec: { url: A }, uid: '3' });
  assert.deepEqual(all.urls(), [A]);
});

test('another server, role, bootstrap port or model at a URL is another worker; another key is not', async () => {
  await using all = reconcile();
  const url = A as string;
  let before = all.registry.get(url);
  const replaced = (found: FoundWorker) => {
    all.kubernetes.names(found);
    const is = all.registry.get(url);
    const other = is !== before;
    before = is;
    return other;
  };
  const spec = { url, role: 'prefill', bootstrapPort: 1, modelId: 'm' } as const;
  assert.ok(replaced({ spec, uid: '1' }));
  assert.ok(!replaced({ spec: { ...spec, apiKey: 'k' }, uid: '1' }));
  assert.equal(before?.spec.apiKey, 'k');
  assert.ok(replaced({ spec, uid: '2' }));
  assert.ok(replaced({ spec: { ...spec, bootstrapPort: 2 }, uid: '2' }));
  assert.ok(replaced({ spec: { ...spec, modelId: 'n' }, uid: '2' }));
  assert.ok(replaced({ spec: { ...spec, role: 'decode' }, uid: '2' }));
});

test('a worker on its way out goes; what still runs there is cut when its time is over', async () => {
  await using all = reconcile();
  all.kubernetes.names({ spec: { url: A }, uid: '1' });
  all.slots.take(all.registry.get(A)?.targets[0]?.slot ?? -1);
  all.kubernetes.names({ spec: { url: A }, uid: '1', leavesWithinMs: 20 });
  assert.deepEqual(all.urls(), []);
  assert.equal(all.registry.draining.length, 1);
  await until(() => all.registry.draining.length === 0);
  assert.match(all.lines.join(''), /requests cut off/);
});
