import { once } from 'node:events';
import { type AddressInfo, createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import { listenError } from './listen-error.ts';

/** A burst of new connections, one per stream, must not be refused by a short accept queue. */
const BACKLOG = 4096;

export interface AcceptorOptions {
  /**
   * Number of listening sockets; one without SO_REUSEPORT. libuv takes one connection of each per turn of the event loop: with turns of
   * 5 ms, 512 clients were connected after 9.4 s with one socket and after 2.4 s with four.
   */
  readonly sockets: number;
  /** Whether other threads listen there too; their starter has made sure that no other program does. */
  readonly shared: boolean;
  /** Most open connections; further ones are closed, and `dropped` is called. */
  readonly most: number;
  /** Whether a client may close its sending side and go on. */
  readonly allowHalfOpen: boolean;
  readonly accepted: (socket: Socket) => void;
  readonly dropped: () => void;
  /** Called when a connection could not be accepted. */
  readonly failed: (error: Error) => void;
}

/** Whether the system spreads connections over several sockets of one port. */
export const SPREADS_CONNECTIONS = process.platform === 'linux';

/** The sockets that listen at one port. */
export class Acceptors {
  readonly #options: AcceptorOptions;
  readonly #servers: Server[] = [];
  #open = 0;

  private constructor(options: AcceptorOptions) {
    this.#options = options;
  }

  /** Listens on `host:port` (port 0 takes a free one). Throws ExitError `port_in_use`, with the holder's name if it can be found. */
  static async open(host: string, port: number, options: AcceptorOptions): Promise<Acceptors> {
    const sockets = SPREADS_CONNECTIONS ? options.sockets : 1;
    if (port !== 0 && !options.shared && sockets > 1) await Acceptors.#probe(host, port);
    const acceptors = new Acceptors(options);
    const reusePort = options.shared || sockets > 1;
    try {
      for (let count = 0; count < sockets; count++) {
        const taken = count === 0 ? port : acceptors.address().port;
        await acceptors.#add({ host, port: taken, reusePort, backlog: BACKLOG });
      }
    } catch (error) {
      acceptors.close();
      throw error;
    }
    return acceptors;
  }

  /**
   * Finds the port at which several threads are to listen, and makes sure that no other program does. Throws ExitError as `open` does.
   * A free one (port 0) is held until `release`, or another program could take it before the first thread listens.
   */
  static async claim(host: string, port: number): Promise<ClaimedPort> {
    if (port !== 0) return { address: await Acceptors.#probe(host, port), release: () => undefined };
    const holder = createServer();
    await listening(holder, { host, port, reusePort: true });
    return { address: holder.address() as AddressInfo, release: () => holder.close() };
  }

  /** Throws unless the port is unused. It is bound without SO_REUSEPORT, which would succeed on another program's port. */
  static async #probe(host: string, port: number): Promise<AddressInfo> {
    const probe = createServer();
    await listening(probe, { host, port });
    const address = probe.address() as AddressInfo;
    const closed = once(probe, 'close');
    probe.close();
    await closed;
    return address;
  }

  address(): AddressInfo {
    return this.#servers[0]?.address() as AddressInfo;
  }

  close(): void {
    for (const server of this.#servers) server.close();
  }

  async #add(address: Listened): Promise<void> {
    const { allowHalfOpen, failed } = this.#options;
    const server = createServer({ noDelay: true, allowHalfOpen }, (socket) => this.#accept(socket));
    this.#servers.push(server);
    await listening(server, address);
    server.on('error', failed);
  }

  #accept(socket: Socket): void {
    const { most, accepted, dropped } = this.#options;
    if (this.#open >= most) {
      socket.destroy();
      dropped();
      return;
    }
    this.#open++;
    socket.once('close', () => this.#open--);
    accepted(socket);
  }
}

/** A port that no other program listens at. */
interface ClaimedPort {
  readonly address: AddressInfo;
  /** Stops holding the port, once all who share it listen. */
  readonly release: () => void;
}

type Listened = ListenOptions & { readonly host: string; readonly port: number };

async function listening(server: Server, address: Listened): Promise<void> {
  server.listen(address);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw await listenError(error as NodeJS.ErrnoException, address.host, address.port);
  }
}
