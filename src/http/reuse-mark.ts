import type { Socket } from 'node:net';

/** What the error of a connection tells beside its code. */
export interface ReuseMark {
  /** Something had come over it: where the error hit a request that got nothing, that was from requests before. */
  readonly reused?: boolean;
}

/** To be called before undici listens for errors itself and hands them on. */
export function markReuse(socket: Socket): void {
  socket.on('error', (error) => Object.assign(error, { reused: socket.bytesRead > 0 } satisfies ReuseMark));
}
