import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { FACT_PATHS, MODELS } from './fake-worker.ts';
import { type RequestMessage, readRequest } from './strict-http.ts';

/** A request as the worker read it, and the connection on which it came, counted from 0. */
export interface Recorded extends RequestMessage {
  readonly connection: number;
}

/** Writes the bytes of an answer, or does something worse. */
export type Respond = (request: Recorded, socket: Socket) => void;

/**
 * A worker on raw sockets that reads nothing but what RFC 9112 allows and keeps it all. `/health` and the
 * questions about facts are answered and left out. Every byte it got belongs to those, to one of `requests`, to `problems` or to `unread`.
 */
export interface RecordingWorker extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** What becomes of health checks. */
  health: 'ok' | 'failing' | 'silent';
  /** Health checks there ever were. */
  readonly healthChecks: number;
  readonly requests: Recorded[];
  /** What could not be read as a request, one entry a connection. */
  readonly problems: string[];
  /** Bytes of requests that have not come to their end. */
  readonly unread: number;
  /** Connections open now. */
  readonly sockets: ReadonlySet<Socket>;
  /** Requests there ever were, those taken out of `requests` too. */
  readonly total: number;
  /** Connections there ever were. */
  readonly connections: number;
  close(): Promise<void>;
}

/** `HTTP/1.1 200` with this body and its length. */
export function ok(body: string | Buffer, ...headers: readonly string[]): string {
  const lines = ['HTTP/1.1 200 OK', `content-length: ${Buffer.byteLength(body)}`, ...headers];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

const UNHEALTHY = 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n';

const answerOk: Respond = ({ method, target }, socket) => {
  socket.write(method === 'HEAD' ? 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n' : ok(target));
};

export async function recordingWorker(respond: Respond = answerOk, port = 0): Promise<RecordingWorker> {
  const requests: Recorded[] = [];
  const problems: string[] = [];
  const sockets = new Set<Socket>();
  const pending = new Map<Socket, Buffer>();
  let connections = 0;
  let total = 0;
  let healthChecks = 0;

  const read = (socket: Socket, connection: number, bytes: Buffer): Buffer => {
    let at = 0;
    for (;;) {
      const request = readRequest(bytes, at);
      if (!request) return bytes.subarray(at);
      at = request.end;
      if (request.target === '/health') {
        healthChecks++;
        if (worker.health !== 'silent') socket.write(worker.health === 'ok' ? ok('OK') : UNHEALTHY);
        continue;
      }
      if (FACT_PATHS.has(request.target) || request.target === MODELS) {
        socket.write(ok('{}'));
        continue;
      }
      const recorded = { ...request, connection };
      requests.push(recorded);
      total++;
      respond(recorded, socket);
    }
  };

  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    const connection = connections++;
    sockets.add(socket);
    socket.on('data', (chunk: Buffer) => {
      const before = pending.get(socket);
      try {
        const rest = read(socket, connection, before?.length ? Buffer.concat([before, chunk]) : chunk);
        pending.set(socket, rest);
      } catch (error) {
        problems.push(`${(error as Error).message} on connection ${connection}`);
        socket.destroy();
      }
    });
    socket.on('end', () => socket.end());
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      const rest = pending.get(socket);
      // What a client's abort cut short is no request; kept only as a number.
      if (!rest?.length) pending.delete(socket);
    });
  });
  server.listen({ port, host: '127.0.0.1', backlog: 4096 });
  await once(server, 'listening');
  const close = async () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  const bound = (server.address() as AddressInfo).port;
  const worker: RecordingWorker = {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    health: 'ok',
    requests,
    problems,
    get unread() {
      return [...pending.values()].reduce((sum, rest) => sum + rest.length, 0);
    },
    sockets,
    get healthChecks() {
      return healthChecks;
    },
    get total() {
      return total;
    },
    get connections() {
      return connections;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
  return worker;
}
