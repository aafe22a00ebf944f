import { type ClientHttp2Session, connect } from 'node:http2';
import type { Transport } from './endpoint.ts';

const METHOD = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const TIMEOUT_MS = 10_000;
/** A flag for compression, and the length of the message. */
const PREFIX_BYTES = 5;

/** OTLP over gRPC: one unary call an export, over a connection that is made when it is needed. */
export function grpcTransport(url: URL): Transport {
  let session: ClientHttp2Session | undefined;
  const connected = () => {
    if (session && !session.closed && !session.destroyed) return session;
    session = connect(url.origin);
    // Each call hears of it too.
    session.on('error', () => {});
    session.unref();
    return session;
  };
  return {
    send: (message) => call(connected(), framed(message)),
    close: () => session?.destroy(),
  };
}

function call(session: ClientHttp2Session, body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': METHOD,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    let problem = 'no gRPC status came back';
    let ok = false;
    // A call that fails at once has its status in the head, any other behind the body.
    const look = (headers: Readonly<Record<string, unknown>>) => {
      const status = headers['grpc-status'];
      if (status === undefined) return;
      ok = status === '0';
      problem = `gRPC status ${status} ${headers['grpc-message'] ?? ''}`;
    };
    stream.on('response', look);
    stream.on('trailers', look);
    stream.setTimeout(TIMEOUT_MS, () => stream.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    stream.once('error', reject);
    stream.once('close', () => (ok ? resolve() : reject(new Error(problem.trim()))));
    stream.resume();
    stream.end(body);
  });
}

function framed(message: Buffer): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}
