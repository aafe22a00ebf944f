import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRouteLabel } from '../../src/http/route-label.ts';

test('paths become the template they fit, all else is other', () => {
  const labelOf = createRouteLabel(['/generate', '/v1/responses', '/v1/responses/{id}', '/v1/responses/{id}/cancel']);
  assert.equal(labelOf('/generate'), '/generate');
  assert.equal(labelOf('/v1/responses/abc'), '/v1/responses/{id}');
  assert.equal(labelOf('/v1/responses/abc/cancel'), '/v1/responses/{id}/cancel');
  for (const path of ['/', '/Generate', '/generate/', '/v1/responses/a/b', '/x/v1/responses/a', '/v1/responses/']) {
    assert.equal(labelOf(path), 'other', path);
  }
});
