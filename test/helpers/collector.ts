import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';

/** A span as a collector reads it. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  /** 2 is server, 3 client. */
  readonly kind: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** Message of an error; undefined where the span has none. */
  readonly error: string | undefined;
}

/** Stands in for an OpenTelemetry collector. */
export interface Collector extends AsyncDisposable {
  /** What a user gives as `--otlp-traces-endpoint`. */
  readonly endpoint: string;
  readonly spans: ReceivedSpan[];
  /** Attributes of the last resource. */
  readonly resource: Record<string, string | number>;
  /** Resolves when so many spans have come. */
  received(count: number): Promise<void>;
  /** Refuses exports from now on, or takes them again. */
  refuse(refusing: boolean): void;
  /** Resolves when so many exports have been refused. */
  refused(count: number): Promise<void>;
}

export async function httpCollector(): Promise<Collector> {
  const state = stateOf();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const good = request.url === '/v1/traces' && request.headers['content-type'] === 'application/x-protobuf';
      const taken = good && !state.refuses();
      if (taken) state.take(Buffer.concat(chunks));
      response.writeHead(taken ? 200 : 503).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async () => {
    server.close();
    server.closeAllConnections();
  };
  const { port } = server.address() as AddressInfo;
  return { ...state.collector, endpoint: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: close };
}

export async function grpcCollector(): Promise<Collector> {
  const state = stateOf();
  const server = createHttp2Server();
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const path = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
      const body = Buffer.concat(chunks);
      const good = headers[':path'] === path && headers.te === 'trailers' && body.readUInt32BE(1) === body.length - 5;
      const answer = { ':status': 200, 'content-type': 'application/grpc' };
      if (!good || state.refuses()) {
        stream.respond({ ...answer, 'grpc-status': '14', 'grpc-message': 'away' }, { endStream: true });
        return;
      }
      state.take(body.subarray(5));
      stream.respond(answer, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.alloc(5));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async () => {
    for (const session of sessions) session.destroy();
    server.close();
  };
  const { port } = server.address() as AddressInfo;
  return { ...state.collector, endpoint: `127.0.0.1:${port}`, [Symbol.asyncDispose]: close };
}

function stateOf() {
  const spans: ReceivedSpan[] = [];
  const resource: Record<string, string | number> = {};
  let came = Promise.withResolvers<void>();
  let refusing = false;
  let refused = 0;
  const state = {
    refuses() {
      if (!refusing) return false;
      refused++;
      came.resolve();
      came = Promise.withResolvers();
      return true;
    },
    take(message: Buffer) {
      const resourceSpans = parse(submessage(parse(message), 1));
      Object.assign(resource, attributesOf(parse(submessage(resourceSpans, 1)).get(1)));
      for (const span of parse(submessage(resourceSpans, 2)).get(2) ?? []) spans.push(spanOf(span as Buffer));
      came.resolve();
      came = Promise.withResolvers();
    },
    collector: {
      spans,
      resource,
      async received(count: number) {
        while (spans.length < count) await came.promise;
      },
      refuse(now: boolean) {
        refusing = now;
      },
      async refused(count: number) {
        while (refused < count) await came.promise;
      },
    },
  };
  return state;
}

type Message = Map<number, (Buffer | bigint)[]>;

/** The fields of a protobuf message: numbers as bigint, all else as its bytes. */
function parse(message: Buffer): Message {
  const fields: Message = new Map();
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = Number(varint());
    let value: Buffer | bigint;
    if ((tag & 7) === 0) value = varint();
    else {
      const length = (tag & 7) === 1 ? 8 : Number(varint());
      value = message.subarray(at, at + length);
      at += length;
    }
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value]);
  }
  return fields;
}

const submessage = (message: Message, field: number) => (message.get(field)?.[0] ?? Buffer.alloc(0)) as Buffer;

function spanOf(bytes: Buffer): ReceivedSpan {
  const span = parse(bytes);
  const ms = (field: number) => Number(submessage(span, field).readBigUInt64LE()) / 1e6;
  const status = span.has(15) ? parse(submessage(span, 15)) : undefined;
  return {
    traceId: submessage(span, 1).toString('hex'),
    spanId: submessage(span, 2).toString('hex'),
    parentSpanId: submessage(span, 4).toString('hex'),
    name: submessage(span, 5).toString(),
    kind: Number(span.get(6)?.[0]),
    startMs: ms(7),
    endMs: ms(8),
    attributes: attributesOf(span.get(9)),
    error: status?.get(3)?.[0] === 2n ? submessage(status, 2).toString() : undefined,
  };
}

function attributesOf(fields: readonly (Buffer | bigint)[] = []): Record<string, string | number> {
  return Object.fromEntries(
    fields.map((field) => {
      const pair = parse(field as Buffer);
      const value = parse(submessage(pair, 2));
      const read = value.has(1)
        ? submessage(value, 1).toString()
        : value.has(3)
          ? Number(value.get(3)?.[0])
          : submessage(value, 4).readDoubleLE();
      return [submessage(pair, 1).toString(), read];
    }),
  );
}
