import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExitError } from '../../../src/errors/errors.ts';
import { createLog } from '../../../src/observe/log/log.ts';
import { openTracing } from '../../../src/observe/tracing/open.ts';
import { readTraceparent } from '../../../src/observe/tracing/trace-context.ts';
import { grpcCollector, httpCollector } from '../../helpers/collector.ts';
import { answeredRequest } from '../../helpers/request-record.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CLIENT_SPAN = 'b7ad6b7169203331';
const traceparent = (flags: string) => ({ traceparent: `00-${TRACE}-${CLIENT_SPAN}-${flags}` });

/** Traces and their log. */
async function tracing(endpoint: string) {
  const lines: string[] = [];
  const opened = await openTracing(
    endpoint,
    '1.2.3',
    createLog('info', (line) => lines.push(line)),
  );
  return { ...opened, lines, [Symbol.asyncDispose]: () => opened.close() };
}

for (const [protocol, start] of [
  ['HTTP', httpCollector],
  ['gRPC', grpcCollector],
] as const) {
  test(`${protocol}: a collector gets a request below the client's span, and its attempts below that`, async () => {
    await using collector = await start();
    await using traces = await tracing(collector.endpoint);
    const record = answeredRequest({ firstByteMs: 12.5, promptTokens: 7, id: 'gnt-é"' });
    const request = traces.tracer.begin(record, traceparent('01'));
    record.attempts = 1;
    const first = request.attempt('http://w0:8000');
    first.end({ status: undefined, errorCode: 'worker_connection_failed' });
    record.attempts = 2;
    const second = request.attempt('http://w1:8000');
    second.end({ status: 200, errorCode: undefined });
    record.totalMs = 40;
    request.end(record);
    await collector.received(3);

    assert.equal(collector.resource['service.name'], 'sglang-router');
    assert.equal(collector.resource['service.version'], '1.2.3');
    const server = collector.spans.find(({ kind }) => kind === 2)!;
    assert.equal(server.name, 'POST /generate');
    assert.equal(server.traceId, TRACE);
    assert.equal(server.parentSpanId, CLIENT_SPAN);
    assert.equal(server.error, undefined);
    assert.ok(Math.abs(server.startMs - record.startedAtMs) < 0.01);
    assert.ok(Math.abs(server.endMs - server.startMs - 40) < 0.01);
    assert.equal(server.attributes['http.response.status_code'], 200);
    assert.equal(server.attributes['sglang.router.ttft_ms'], 12.5);
    assert.equal(server.attributes['gen_ai.usage.input_tokens'], 7);
    assert.equal(server.attributes['sglang.router.request_id'], 'gnt-é"');
    assert.ok(!('gen_ai.request.model' in server.attributes));

    const attempts = collector.spans.filter(({ kind }) => kind === 3);
    assert.deepEqual(
      attempts.map(({ parentSpanId, traceId }) => [parentSpanId, traceId]),
      [
        [server.spanId, TRACE],
        [server.spanId, TRACE],
      ],
    );
    assert.equal(attempts[0]?.error, 'worker_connection_failed');
    assert.equal(attempts[1]?.error, undefined);
    assert.equal(attempts[1]?.attributes['http.request.resend_count'], 1);
    assert.equal(attempts[1]?.attributes['url.full'], 'http://w1:8000/generate');
    assert.equal(readTraceparent(second.traceparent)?.spanId, attempts[1]?.spanId);
    assert.equal(readTraceparent(second.traceparent)?.traceId, TRACE);
  });

  test(`${protocol}: a collector that is away is said once, and gets spans again when it is back`, async () => {
    await using collector = await start();
    await using traces = await tracing(collector.endpoint);
    collector.refuse(true);
    const request = () => traces.tracer.begin(answeredRequest(), {}).end(answeredRequest());
    request();
    await collector.refused(1);
    request();
    await collector.refused(2);
    collector.refuse(false);
    request();
    await collector.received(1);
    await traces.close();
    assert.equal(traces.lines.filter((line) => line.includes('WARNING')).length, 1);
    assert.match(traces.lines.at(-1) ?? '', /traces are sent again.*dropped=2/);
  });
}

test('without a context of the client a request begins a trace', async () => {
  await using collector = await httpCollector();
  await using traces = await tracing(collector.endpoint);
  const record = answeredRequest();
  traces.tracer.begin(record, { traceparent: 'nonsense' }).end(record);
  await traces.close();
  assert.equal(collector.spans[0]?.parentSpanId, '');
  assert.match(collector.spans[0]?.traceId ?? '', /^[0-9a-f]{32}$/);
});

test('a trace that the client does not record is passed on and not sent', async () => {
  await using collector = await httpCollector();
  await using traces = await tracing(collector.endpoint);
  const record = answeredRequest();
  const request = traces.tracer.begin(record, traceparent('00'));
  const attempt = request.attempt('http://w0:8000');
  assert.match(attempt.traceparent, new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
  attempt.end({ status: 200, errorCode: undefined });
  request.end(record);
  await traces.close();
  assert.deepEqual(collector.spans, []);
});

test('a server error of a worker marks the span', async () => {
  await using collector = await httpCollector();
  await using traces = await tracing(collector.endpoint);
  const record = answeredRequest({ status: 503 });
  traces.tracer.begin(record, {}).end(record);
  await traces.close();
  assert.equal(collector.spans[0]?.error, '503');
});

test('more spans than fit into one export arrive all the same', async () => {
  await using collector = await grpcCollector();
  await using traces = await tracing(collector.endpoint);
  for (let i = 0; i < 1_200; i++) {
    const record = answeredRequest({ id: `id-${i}` });
    traces.tracer.begin(record, {}).end(record);
  }
  await traces.close();
  const ids = new Set(collector.spans.map(({ attributes }) => attributes['sglang.router.request_id']));
  assert.equal(ids.size, 1_200);
});

test('an endpoint that is no address ends the start', async () => {
  await assert.rejects(
    openTracing('not an address', '1', createLog('critical')),
    (error) => error instanceof ExitError && error.message.startsWith('--otlp-traces-endpoint:'),
  );
});
