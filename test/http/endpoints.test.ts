import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ENDPOINTS, endpointOf, findEndpoint } from '../../src/http/endpoints.ts';

test('each path stands in the table once', () => {
  const paths = ENDPOINTS.map(({ path }) => path);
  assert.deepEqual(
    paths.filter((path, at) => paths.indexOf(path) !== at),
    [],
  );
  for (const endpoint of ENDPOINTS) assert.equal(endpointOf(endpoint.path.replaceAll(/\{\w+\*?\}/g, 'x')), endpoint);
});

test('a path is found by the row that it fits, with the parts that names stand for as they were sent', () => {
  const found = (path: string) => {
    const { endpoint, params } = findEndpoint(path);
    return [endpoint.path, { ...params }];
  };
  assert.deepEqual(found('/generate'), ['/generate', {}]);
  assert.deepEqual(found('/v1/models/org/model%20a'), ['/v1/models/{model*}', { model: 'org/model%20a' }]);
  assert.deepEqual(found('/dumper/dump'), ['/dumper/{method}', { method: 'dump' }]);
  for (const path of ['/Generate', '/generate/', '/x/v1/models/a', '/v1/models/', '/dumper/a/b', '/workers/', '']) {
    assert.deepEqual(found(path), ['other', {}], path);
  }
});

test('what is not in the table goes to one worker, is not sent twice and waits for nobody', () => {
  const { to, inference, ofModel, repeatable, access } = endpointOf('/some/new/path');
  assert.deepEqual(
    { to, inference, ofModel, repeatable, access },
    { to: 'one', inference: false, ofModel: false, repeatable: false, access: 'admin' },
  );
});

test('what concerns all servers is never sent twice, and what runs the model is for one of them', () => {
  for (const { path, to, inference, ofModel, repeatable } of ENDPOINTS) {
    if (to === 'all') assert.deepEqual([inference, repeatable], [false, false], path);
    if (inference) assert.deepEqual([to, ofModel, repeatable], ['one', true, true], path);
  }
});
