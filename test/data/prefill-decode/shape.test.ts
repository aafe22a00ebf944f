import assert from 'node:assert/strict';
import { test } from 'node:test';
import { batchSizeOf } from '../../../src/data/prefill-decode/shape.ts';
import { RouterError } from '../../../src/errors/errors.ts';
import { endpointOf } from '../../../src/http/endpoints.ts';

const sizeOf = (path: string, body: unknown) => batchSizeOf(endpointOf(path), Buffer.from(JSON.stringify(body)));

for (const [path, body, size] of [
  ['/generate', { text: 'a' }, undefined],
  ['/generate', { text: ['a'] }, 1],
  ['/generate', { text: ['a', '],"', '\\'] }, 3],
  ['/generate', { text: null, input_ids: [1, 2, 3] }, undefined],
  ['/generate', { input_ids: [[1], [2, 3]] }, 2],
  ['/generate', { input_ids: [] }, undefined],
  [
    '/generate',
    {
      input_embeds: [
        [0.5, 1],
        [1, 2],
      ],
    },
    undefined,
  ],
  ['/generate', { input_embeds: [[[0.5], [1]], [[2]]] }, 2],
  ['/generate', { text: 'a', sampling_params: { n: 1 } }, undefined],
  ['/v1/chat/completions', { messages: [{ role: 'user', content: ['x'] }], n: null }, undefined],
  ['/v1/completions', { prompt: 'a' }, undefined],
  ['/v1/completions', { prompt: ['a', 'b'] }, 2],
  ['/v1/completions', { prompt: [5, 6] }, undefined],
  ['/v1/completions', { prompt: [[5], [6], [7]] }, 3],
  ['/v1/responses', { input: [{ role: 'user' }] }, undefined],
] as const) {
  test(`${path} ${JSON.stringify(body)}: ${size ?? 'one prompt'}`, () => assert.equal(sizeOf(path, body), size));
}

for (const [path, body, message] of [
  ['/v1/chat/completions', { n: 2 }, /expected n = 1, got 2/],
  ['/v1/chat/completions', { n: '3' }, /expected n = 1, got "3"/],
  ['/v1/completions', { prompt: 'a', best_of: 2 }, /expected best_of = 1/],
  ['/generate', { text: 'a', sampling_params: { n: 2 } }, /expected n = 1/],
  ['/generate', { text: ['a', 'b'], sampling_params: [{ n: 1 }, { n: 4 }] }, /got 4/],
  ['/generate', 'text', /JSON object/],
  ['/v1/embeddings', { input: 'a' }, /\/v1\/embeddings is not served/],
] as const) {
  test(`${path} ${JSON.stringify(body)} is refused`, () => {
    assert.throws(
      () => sizeOf(path, body),
      (error: unknown) => error instanceof RouterError && error.status === 400 && message.test(error.message),
    );
  });
}

test('a batch larger than any server would take is refused before a room is drawn for each of its prompts', () => {
  const most = 65_536;
  assert.equal(sizeOf('/generate', { text: new Array(most).fill('') }), most);
  assert.throws(
    () => sizeOf('/v1/completions', { prompt: new Array(most + 1).fill('') }),
    (error) => error instanceof RouterError && error.code === 'bad_request' && /65536 prompts/.test(error.message),
  );
});
