import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Handler = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;

/** A scripted worker on a real socket: `/health` is 200, everything else goes to the handler with its whole body. */
export interface FakeWorker extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly server: Server;
  /** Requests seen, `/health` left out. */
  readonly seen: string[];
  close(): Promise<void>;
}

export async function fakeWorker(handler: Handler, port = 0): Promise<FakeWorker> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    if (request.url === '/health') {
      response.end();
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
