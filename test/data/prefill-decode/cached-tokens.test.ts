import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CachedTokens } from '../../../src/data/prefill-decode/cached-tokens.ts';

const merge = (json: string) => new CachedTokens(64).merge(Buffer.from(json)).toString();

for (const [sent, got] of [
  [
    '{"usage":{"prompt_tokens_details":{"cached_tokens":100}}}',
    '{"usage":{"prompt_tokens_details":{"cached_tokens":64}}}',
  ],
  [
    ' { "meta_info" : {"cached_tokens": 9 ,"x":1.0}, "usage":{"a":1, "prompt_tokens_details" : { "cached_tokens" :null} } }\n',
    ' { "meta_info" : {"cached_tokens": 64 ,"x":1.0}, "usage":{"a":1, "prompt_tokens_details" : { "cached_tokens" :64} } }\n',
  ],
] as const) {
  test(`${sent.trim()} becomes what prefill said`, () => assert.equal(merge(sent), got));
}

for (const json of [
  '{"usage":{"prompt_tokens_details":null}}',
  '{"choices":[{"message":{"content":"\\"cached_tokens\\":100"}}],"cached_tokens":5}',
  '{"usage":{"cached_tokens":7}}',
  '{"usage":{"prompt_tokens_details":{"cached_tokens":100}}',
  '[1,"cached_tokens"]',
]) {
  test(`${json} stays as it is`, () => assert.equal(merge(json), json));
}
