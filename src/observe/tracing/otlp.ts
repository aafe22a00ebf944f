import { bytes, double, type Field, fixed64, integer, nested, text } from './protobuf.ts';
import type { Attribute, Span } from './span.ts';

const SERVICE = 'sglang-router';
const KINDS: Readonly<Record<Span['kind'], number>> = { server: 2, client: 3 };
const STATUS_ERROR = 2;

/** An ExportTraceServiceRequest of OTLP 1 in protobuf; field numbers are those of its definition. */
export function encodeSpans(spans: readonly Span[], version: string): Buffer {
  const resource = nested(1, attributes(1, { 'service.name': SERVICE, 'service.version': version }));
  const scope = nested(1, [text(1, SERVICE), text(2, version)]);
  return nested(1, [resource, nested(2, [scope, ...spans.map(encodeSpan)])]);
}

function encodeSpan({ context, parentSpanId, name, kind, startMs, endMs, attributes: all, error }: Span): Buffer {
  return nested(2, [
    bytes(1, Buffer.from(context.traceId, 'hex')),
    bytes(2, Buffer.from(context.spanId, 'hex')),
    parentSpanId === undefined ? undefined : bytes(4, Buffer.from(parentSpanId, 'hex')),
    text(5, name),
    integer(6, KINDS[kind]),
    fixed64(7, nanoseconds(startMs)),
    fixed64(8, nanoseconds(endMs)),
    ...attributes(9, all),
    error === undefined ? undefined : nested(15, [text(2, error), integer(3, STATUS_ERROR)]),
  ]);
}

function attributes(number: number, all: Readonly<Record<string, Attribute>>): Field[] {
  return Object.entries(all).map(([key, value]) =>
    value === undefined ? undefined : nested(number, [text(1, key), nested(2, [anyValue(value)])]),
  );
}

function anyValue(value: string | number): Buffer {
  if (typeof value === 'string') return text(1, value);
  return Number.isSafeInteger(value) ? integer(3, value) : double(4, value);
}

function nanoseconds(ms: number): bigint {
  return BigInt(Math.round(ms * 1000)) * 1000n;
}
