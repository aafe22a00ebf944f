import assert from 'node:assert/strict';
import { test } from 'node:test';
import { childOf, readTraceparent, writeTraceparent } from '../../../src/observe/tracing/trace-context.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

test('a traceparent is read and written as W3C has it', () => {
  const context = readTraceparent(`00-${TRACE}-${SPAN}-01`);
  assert.deepEqual(context, { traceId: TRACE, spanId: SPAN, sampled: true });
  assert.equal(writeTraceparent(context!), `00-${TRACE}-${SPAN}-01`);
  assert.equal(readTraceparent(`00-${TRACE}-${SPAN}-00`)?.sampled, false);
  assert.equal(readTraceparent(`01-${TRACE}-${SPAN}-03-more`)?.traceId, TRACE);
});

test('one that breaks the rules is none', () => {
  const bad = [
    undefined,
    '',
    `ff-${TRACE}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE}-${SPAN}-1`,
    `${TRACE}-${SPAN}`,
  ];
  for (const header of bad) assert.equal(readTraceparent(header), undefined, header);
});

test('a child stays in its trace and its sampling; without a parent it begins one', () => {
  const parent = { traceId: TRACE, spanId: SPAN, sampled: false };
  const child = childOf(parent);
  assert.equal(child.traceId, TRACE);
  assert.notEqual(child.spanId, SPAN);
  assert.equal(child.sampled, false);
  const root = childOf(undefined);
  assert.ok(root.sampled);
  assert.ok(readTraceparent(writeTraceparent(root)));
  assert.notEqual(childOf(undefined).traceId, root.traceId);
});
