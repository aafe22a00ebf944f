import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A connection on which a test writes any bytes it likes, and what came back on it. */
export interface RawClient extends Disposable {
  readonly socket: Socket;
  /** What came back so far, one character a byte. */
  readonly received: string;
  send(...pieces: readonly (string | Buffer)[]): void;
  /** Resolves with what came back once it matches; rejects when the connection ends before. */
  until(pattern: RegExp): Promise<string>;
  /** Resolves with what came back once the other side has closed. */
  closed(): Promise<string>;
}

/** Connects to `http://host:port`. */
export async function rawClient(url: string): Promise<RawClient> {
  const { hostname, port } = new URL(url);
  const socket = connect({ port: Number(port), host: hostname, noDelay: true });
  let received = '';
  let over = false;
  const watchers = new Set<() => void>();
  const tell = () => {
    for (const watcher of watchers) watcher();
  };
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
    tell();
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    over = true;
    tell();
  });
  await once(socket, 'connect');
  const wait = (done: () => boolean, pattern?: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        if (!done() && !over) return;
        watchers.delete(look);
        if (done()) resolve(received);
        else reject(new Error(`the connection ended without ${pattern} in ${JSON.stringify(received)}`));
      };
      watchers.add(look);
      look();
    });
  return {
    socket,
    get received() {
      return received;
    },
    send: (...pieces) => {
      for (const piece of pieces) socket.write(piece);
    },
    until: (pattern) => wait(() => pattern.test(received), pattern),
    closed: () => wait(() => over),
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

/** Sends the bytes on a connection of its own; resolves with what came back once the other side has closed. */
export async function sendRaw(url: string, ...pieces: readonly (string | Buffer)[]): Promise<string> {
  using client = await rawClient(url);
  client.send(...pieces);
  return await client.closed();
}
