import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ComingClient } from '../../../src/http/upstream/coming-client.ts';
import type { CallHandler, WorkerClient, WorkerRequest } from '../../../src/http/upstream/worker-client.ts';

const request = (path: string): WorkerRequest => ({ path, method: 'GET', headers: [], body: null });
const told = (errors: Error[]): CallHandler => ({
  onRequestStart: () => {},
  onResponseStart: () => {},
  onResponseData: () => {},
  onResponseEnd: () => {},
  onResponseError: (_, error) => errors.push(error),
});

test('requests wait for the client in their order, and its end comes after them', async () => {
  const seen: string[] = [];
  const client: WorkerClient = {
    connections: 3,
    dispatch: ({ path }) => seen.push(path),
    destroy: async () => void seen.push('destroyed'),
  };
  const { promise, resolve } = Promise.withResolvers<WorkerClient>();
  const coming = new ComingClient(promise);
  coming.dispatch(request('/1'), told([]));
  coming.dispatch(request('/2'), told([]));
  const destroyed = coming.destroy();
  assert.equal(coming.connections, 0);
  resolve(client);
  await destroyed;
  assert.deepEqual(seen, ['/1', '/2', 'destroyed']);
  coming.dispatch(request('/3'), told([]));
  assert.equal(seen.at(-1), '/3');
  assert.equal(coming.connections, 3);
});

test('where the client cannot be loaded each request is told why', async () => {
  const errors: Error[] = [];
  const missing = new Error('no such module');
  const coming = new ComingClient(Promise.reject(missing));
  coming.dispatch(request('/1'), told(errors));
  await coming.destroy();
  coming.dispatch(request('/2'), told(errors));
  await coming.destroy();
  assert.deepEqual(errors, [missing, missing]);
});
