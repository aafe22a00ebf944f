import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A worker that is up but not healthy until `finish`; everything but `/health` is answered with `text`. */
export interface StartingWorker extends AsyncDisposable {
  readonly url: string;
  /** Health checks so far. */
  readonly checks: () => number;
  finish(): void;
}

export async function startingWorker(text = 'served'): Promise<StartingWorker> {
  let healthy = false;
  let checks = 0;
  const server = createServer((request, response) => {
    request.resume();
    if (request.url !== '/health') return void response.end(text);
    checks++;
    response.writeHead(healthy ? 200 : 503).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    checks: () => checks,
    finish: () => {
      healthy = true;
    },
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
