import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tlsFile } from './tls.ts';

/** A worker in this process that ends as a process does: it listens no more, and its connections break. */
export interface MortalWorker extends AsyncDisposable {
  readonly url: string;
  readonly dead: boolean;
  /** Requests that it had, the router's own questions left out. */
  readonly seen: readonly string[];
}

export interface MortalOptions {
  /** Speaks HTTPS. */
  readonly tls?: boolean;
  /** What it says of itself. */
  readonly facts?: Readonly<Record<string, unknown>>;
  /** Sends a head before it ends. */
  readonly headFirst?: boolean;
  /** Takes what ends others, and does not answer it. */
  readonly immune?: boolean;
  readonly port?: number;
}

/** A body with this in it ends whoever reads it. */
export const POISON = 'poison';

export async function mortalWorker(options: MortalOptions = {}): Promise<MortalWorker> {
  const { tls = false, facts = {}, headFirst = false, immune = false, port = 0 } = options;
  const seen: string[] = [];
  let dead = false;
  const onRequest: RequestListener = (request, response) => {
    const { url = '' } = request;
    if (url === '/health') return void response.end();
    if (/_info$|^\/v1\/models$/.test(url)) return void response.end(JSON.stringify(facts));
    seen.push(`${request.method} ${url}`);
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk;
    });
    request.on('end', () => {
      if (!body.includes(POISON)) return void response.end('ok');
      if (immune) return;
      if (!headFirst) return end();
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      setImmediate(end);
    });
  };
  const pair = () => ({ cert: readFileSync(tlsFile('server.pem')), key: readFileSync(tlsFile('server.key')) });
  const server = tls ? createTlsServer(pair(), onRequest) : createServer(onRequest);
  const end = () => {
    dead = true;
    server.close().closeAllConnections();
  };
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get dead() {
      return dead;
    },
    seen,
    [Symbol.asyncDispose]: async () => void server.close().closeAllConnections(),
  };
}
