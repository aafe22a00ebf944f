import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import getPort, { portNumbers } from 'get-port';
import { ExitError } from '../errors/errors.ts';
import { listenProblem } from './listenable.ts';

const HIGHEST = 65_535;
const RANGE_FILE = '/proc/sys/net/ipv4/ip_local_port_range';

/** Hands out free ports from a base upward, below the range from which the kernel takes client ports. */
export class Ports {
  readonly #base: number;
  readonly #top: number;
  /** Handed out, or another launch's. */
  readonly #taken = new Set<number>();
  /** Where the next search begins: so each port is looked at once, however many are wanted. */
  #from: number;

  private constructor(base: number, top: number) {
    this.#base = base;
    this.#top = top;
    this.#from = base;
  }

  /** A base inside the ephemeral range is the user's choice and is kept. */
  static async from(base: number, rangeFile = RANGE_FILE): Promise<Ports> {
    const ephemeral = await ephemeralStart(rangeFile);
    return new Ports(base, base < ephemeral ? ephemeral - 1 : HIGHEST);
  }

  /** Throws a usage error where so many ports cannot be found, before the search for them. */
  require(count: number): void {
    const there = this.#top - this.#base + 1;
    if (count <= there) return;
    throw new ExitError(
      'usage',
      `the servers need ${count} ports, and from ${this.#base} to ${this.#top} there are ${there}`,
      {
        hint: 'start fewer servers (--dp-size), or begin lower with --router-dp-worker-base-port',
      },
    );
  }

  /** A port that nobody listens on and no launch of this machine has taken. Throws `port_in_use` when there is none. */
  async next(): Promise<number> {
    const port = (await this.#search(this.#from, [])) ?? (await this.#search(this.#base, this.#taken));
    if (port !== undefined) return port;
    throw new ExitError('port_in_use', `no free port for a server from ${this.#base} to ${this.#top}`, {
      hint: 'choose another start with --router-dp-worker-base-port',
    });
  }

  async #search(from: number, exclude: Iterable<number>): Promise<number | undefined> {
    for (let at = from; at <= this.#top; ) {
      // Looking at ports never waits by itself: signals are heard here.
      await turn();
      // `reserve` keeps it ours in this process for good: a server may bind its port only minutes from now.
      const port = await getPort({ port: portNumbers(at, this.#top), exclude, reserve: true }).catch(cannotLook);
      if (port < at || port > this.#top) return undefined;
      this.#taken.add(port);
      this.#from = port + 1;
      if (await claim(port)) return port;
      at = port + 1;
    }
    return undefined;
  }
}

/** Looking for ports needs some files of its own, and the list of network interfaces. */
function cannotLook(cause: NodeJS.ErrnoException): never {
  throw new ExitError('server_start_failed', `no port for a server can be looked for: ${cause.message}`, {
    hint: 'start fewer servers (--dp-size), or raise the limit of open files (`ulimit -n`)',
    cause,
  });
}

/** Whether a server could listen on the port of this machine now. */
export async function isFree(port: number): Promise<boolean> {
  return (await listenProblem('127.0.0.1', port)) === undefined;
}

/**
 * Takes a port before its server binds it, so that another launch that starts meanwhile does not choose it too. The
 * claim is a socket with an abstract name: the kernel ends it with this process. False when another process has it.
 */
async function claim(port: number): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  const socket = createServer().unref();
  socket.listen(`\0sglang-launch/port/${port}`);
  try {
    await once(socket, 'listening');
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EADDRINUSE';
  }
}

/** Where the kernel's own choice of client ports begins; 32768 where it does not say. */
async function ephemeralStart(rangeFile: string): Promise<number> {
  const text = await readFile(rangeFile, 'utf8').catch(() => '');
  const start = Number.parseInt(text, 10);
  return Number.isInteger(start) && start > 0 ? start : 32_768;
}
