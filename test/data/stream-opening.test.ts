import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type OpeningState, StreamOpening } from '../../src/data/stream-opening.ts';

/** What a stream tells when it comes in pieces of that many bytes, and with how many bytes it did. */
function told(
  stream: string,
  size = Number.POSITIVE_INFINITY,
): { readonly told: OpeningState; readonly after: number } {
  const opening = new StreamOpening();
  const bytes = Buffer.from(stream);
  for (let at = 0; at < bytes.length; at += size) {
    const result = opening.see(bytes.subarray(at, at + size));
    if (result !== 'nothing') return { told: result, after: Math.min(at + size, bytes.length) };
  }
  return { told: opening.end(), after: bytes.length + 1 };
}

const DONE = 'data: [DONE]\n\n';
/** What SGLang 0.5.23 sends where its queue is full (--max-queued-requests). */
const FULL: readonly (readonly [what: string, stream: string, status: number])[] = [
  [
    'chat and completions',
    `data: {"error": {"object": "error", "message": "The request queue is full.", "type": "SERVICE_UNAVAILABLE", "param": null, "code": 503}}\n\n${DONE}`,
    503,
  ],
  [
    '/generate',
    `data: {"text":"","output_ids":[],"meta_info":{"id":"0466e2b477f74a66a5427cc8dc3b7a13","finish_reason":{"type":"abort","status_code":503,"message":"The request queue is full."},"weight_version":"default","e2e_latency":0.0046,"weight_versions":[{"version":"default","start":0,"end":0}],"completion_tokens":0,"response_sent_to_client_ts":1795926666.6536105}}\n\n${DONE}`,
    503,
  ],
  [
    '/generate, invalid',
    `data: {"error":{"message":"too long","type":"invalid_request_error","code":400,"retryable":false}}\n\n${DONE}`,
    400,
  ],
  [
    '/v1/messages',
    'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_f2","type":"message","role":"assistant","content":[],"model":"tiny","usage":{"input_tokens":0,"output_tokens":0}}}\n\nevent: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"The request queue is full."}}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n',
    529,
  ],
  [
    '/v1/responses',
    'event: response.created\ndata: {"type":"response.created","response":{"id":"resp_9b","status":"in_progress","error":null},"sequence_number":0}\n\nevent: response.in_progress\ndata: {"type":"response.in_progress","response":{"id":"resp_9b","error":null},"sequence_number":1}\n\nevent: response.failed\ndata: {"type":"response.failed","response":{"id":"resp_9b","status":"failed","error":{"code":"server_error","message":"The request queue is full."}},"sequence_number":2}\n\n',
    503,
  ],
];
/** Other servers, and other ways to write it. */
const OTHERS: readonly (readonly [what: string, stream: string, status: number])[] = [
  ['flat', 'data: {"object":"error","message":"no","type":"InternalServerError","code":502}\n\n', 502],
  ['a string', 'data: {"error":"overloaded"}\n\n', 500],
  ['a code in words', 'data: {"error":{"code":"rate_limit_exceeded"}}\n\n', 429],
  [
    'a failed response for another reason',
    'data: {"type":"response.failed","response":{"error":{"code":"server_error","message":"CUDA error"}}}\n\n',
    500,
  ],
  ['a code as a string', 'data: {"error":{"code":"504"}}\n\n', 504],
  ['no sensible code', 'data: {"error":{"code":7,"type":"odd"}}\n\n', 500],
  ['type error with a code', 'event: error\ndata: {"type":"error","code":"503","message":"m"}\n\n', 503],
  ['a name alone', 'event: error\ndata: it failed\n\n', 500],
  ['carriage returns', 'event: error\r\ndata: {"error":{"code":503}}\r\n\r\n', 503],
  ['only carriage returns', 'event: error\rdata: {"error":{"code":503}}\r\r', 503],
  ['a byte order mark', '\ufeffdata: {"error":{"code":503}}\n\n', 503],
  ['comments before', ': hello\n\n:\nretry: 5\nid: 7\n\ndata: {"error":{"code":503}}\n\n', 503],
  ['several lines', 'data: {"error":\ndata: {"code":503}}\n\n', 503],
  ['no space', 'data:{"error":{"code":503}}\n\n', 503],
  ['white space', 'data:  { "error" : { "code" : 503 } }\n\n', 503],
  ['no end', 'data: {"error":{"code":503}}', 503],
];
for (const [what, stream, status] of [...FULL, ...OTHERS]) {
  test(`an error, however it is cut: ${what}`, () => {
    for (const size of [Number.POSITIVE_INFINITY, 1, 2, 3, 7, 64]) {
      assert.equal(told(stream, size).told, status, `pieces of ${size}`);
    }
  });
}

const GOOD: readonly (readonly [what: string, stream: string, most: number])[] = [
  ['chat', 'data: {"id":"c1","object":"chat.completion.chunk","choices":[{"error":1}]}\n\n', 10],
  ['/generate', 'data: {"text":"H","output_ids":[7],"meta_info":{}}\n\n', 16],
  ['/generate, first token without text', 'data: {"text":"","output_ids":[7],"meta_info":{}}\n\n', 32],
  ['a text that speaks of errors', 'data: {"text":"{\\"error\\":1}","meta_info":{}}\n\n', 16],
  ['/v1/messages', 'event: content_block_start\ndata: {"type":"content_block_start"}\n\n', 27],
  ['/v1/responses', 'event: response.output_item.added\ndata: {}\n\n', 34],
  ['the end', DONE, 7],
  ['something else', 'Hello', 1],
  ['JSON that is no object', 'data: 1\n\n', 7],
];
for (const [what, stream, most] of GOOD) {
  test(`no error, told within ${most} bytes: ${what}`, () => {
    const { told: result, after } = told(stream, 1);
    assert.equal(result, 'good');
    assert.ok(after <= most, `after ${after} bytes`);
    assert.equal(told(stream).told, 'good');
  });
}

test('what begins like an error and is none goes on when its event is whole', () => {
  const whole: readonly string[] = [
    'data: {"error":null,"choices":[]}\n\n',
    'data: {"error":\n\n',
    'data: {"text":"","output_ids":[],"meta_info":{"finish_reason":{"type":"length","length":0}}}\n\n',
    'data: {"text":"","output_ids":[],"meta_info":{"finish_reason":{"type":"abort","status_code":null}}}\n\n',
    'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":9}}}\n\n',
  ];
  for (const stream of whole) assert.deepEqual(told(stream, 1), { told: 'good', after: stream.length }, stream);
});

test('a stream that never tells is not kept back for ever', () => {
  assert.ok(told(`data: {"error":"${'x'.repeat(200_000)}`, 1_000).after <= 66_000);
  assert.ok(told(': keep-alive\n\n'.repeat(20_000), 14).after <= 66_000);
  assert.equal(told('').told, 'good');
});
