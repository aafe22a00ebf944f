import { createServer, type Server } from 'node:http';
import type { Guest, Rendezvous } from './rendezvous.ts';
import { noSuchRank, type Room } from './words.ts';

/** Paths of rooms; decode servers ask for them with GET and get the answer once the prompt has moved. */
export const ROOMS_PATH = '/rooms/';

/** The server at `--disaggregation-bootstrap-port`, not yet listening. */
export function createBootstrapServer(rendezvous: Rendezvous, dpSize: number, info: () => unknown): Server {
  return createServer({ requestTimeout: 0 }, (request, response) => {
    const answer = (status: number, value: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(value));
    };
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://rendezvous');
    const room = roomOf(pathname);
    if (pathname === '/health') response.end('OK');
    else if (pathname === '/route') answer(200, info());
    else if (room === undefined) answer(404, { detail: 'Not Found' });
    else {
      const rank = Number(searchParams.get('prefill_dp_rank') ?? room % BigInt(dpSize));
      if (!(rank >= 0 && rank < dpSize)) {
        answer(404, { reason: noSuchRank(rank) });
        return;
      }
      const guest: Guest = {
        receive: (cachedTokens) => answer(200, { cached_tokens: cachedTokens }),
        refuse: (reason) => answer(409, { reason }),
      };
      response.on('close', () => rendezvous.leave(rank, room, guest));
      rendezvous.join(rank, room, guest);
    }
  });
}

function roomOf(path: string): Room | undefined {
  const digits = path.startsWith(ROOMS_PATH) ? path.slice(ROOMS_PATH.length) : '';
  return /^-?\d+$/.test(digits) ? BigInt(digits) : undefined;
}
