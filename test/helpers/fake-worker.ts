import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Handler = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;

/** Asked for its models where its server info does not tell their name and the length of their context. */
export const MODELS = '/v1/models';
const SERVER_INFO = '/server_info';
const TELLS_ALL = /"(served_model_name|model_path)".*"context_length":\d/s;

/** Where the router asks a worker what it is. */
export const FACT_PATHS: ReadonlySet<string> = new Set([
  '/server_info',
  '/get_server_info',
  '/model_info',
  '/get_model_info',
]);

/**
 * A scripted worker on a real socket: `/health` is 200, what the router itself asks (no user agent) about facts gets
 * `facts` by path, else 404; everything else goes to the handler with its whole body.
 */
export interface FakeWorker extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly server: Server;
  /** Requests seen, the router's own about health and facts left out. */
  readonly seen: string[];
  close(): Promise<void>;
}

export async function fakeWorker(
  handler: Handler,
  port = 0,
  facts: Readonly<Record<string, string>> = {},
): Promise<FakeWorker> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    if (request.url === '/health') {
      response.end();
      return;
    }
    const path = request.url ?? '';
    const isFact =
      FACT_PATHS.has(path) || (path === MODELS && (path in facts || !TELLS_ALL.test(facts[SERVER_INFO] ?? '')));
    if (isFact && request.headers['user-agent'] === undefined) {
      response.writeHead(path in facts ? 200 : 404).end(facts[path]);
      return;
    }
    seen.push(`${request.method} ${request.url}`);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => handler(request, response, Buffer.concat(chunks)));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const close = async () => {
    server.close();
    server.closeAllConnections();
  };
  const bound = (server.address() as AddressInfo).port;
  return { url: `http://127.0.0.1:${bound}`, port: bound, server, seen, close, [Symbol.asyncDispose]: close };
}

/** A handler that answers `text` at once. */
export const answering =
  (text: string): Handler =>
  (_request, response) =>
    void response.end(text);
