import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SimContext } from './api/context.ts';
import { PrefixCache } from './cache.ts';
import { systemClock } from './clock.ts';
import { Engine } from './engine.ts';
import { Faults } from './faults.ts';
import { HttpCounts } from './http-counts.ts';
import type { SimOptions } from './options.ts';
import { createSimServer } from './server.ts';
import { startUp } from './startup.ts';
import { EngineStats } from './stats.ts';

/** A burst of new connections, one for each stream, must not be refused. */
const BACKLOG = 4096;
/** How long requests under way may go on after SIGTERM. */
const DRAIN_MS = 5000;
const SWEEP_MS = 20;

export interface SimProcess {
  readonly options: SimOptions;
  /** The words after the program's name. */
  readonly commandLine: string;
  readonly newId: () => string;
  readonly say: (line: string) => void;
  /** Ends the process at once, as a crash. */
  readonly die: () => void;
  /** Resolves when the process is asked to end; `atOnce`: without waiting for requests. */
  readonly stopped: Promise<{ readonly atOnce: boolean }>;
}

/** Serves until told to stop; resolves to the exit code. */
export async function runEngine(program: SimProcess): Promise<number> {
  const { options, say } = program;
  let ready = false;
  const server = buildServer(program, () => ready);
  const listen = () => bind(server, options);
  const started = startUp({ options, say, listen }).then((succeeded) => {
    ready = succeeded;
    return succeeded ? 'ready' : 'failed';
  });
  try {
    if ((await Promise.race([started, program.stopped])) === 'failed') return 1;
    const { atOnce } = await program.stopped;
    ready = false;
    if (!atOnce) await drain(server);
    return 0;
  } catch (error) {
    return explainBind(error as NodeJS.ErrnoException, options, say);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

function buildServer(program: SimProcess, ready: () => boolean): Server {
  const { options } = program;
  const stats = new EngineStats();
  const cache = new PrefixCache(options.maxTotalTokens, options.pageSize);
  const engine = new Engine(
    {
      cost: options,
      chunkTokens: options.chunkedPrefillSize > 0 ? options.chunkedPrefillSize : Number.POSITIVE_INFINITY,
      maxRunning: options.maxRunningRequests,
      mixedChunk: options.enableMixedChunk,
    },
    cache,
    systemClock,
    stats,
  );
  const { commandLine, newId, say, die } = program;
  const counts = new HttpCounts();
  const context: SimContext = { options, engine, stats, counts, clock: systemClock, newId, commandLine, ready };
  return createSimServer({ context, faults: new Faults(options), say, die });
}

async function bind(server: Server, { host, port }: SimOptions): Promise<number> {
  server.listen({ host, port, backlog: BACKLOG });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Takes no new connections and waits for the requests under way, but not for ever. */
async function drain(server: Server): Promise<void> {
  server.close();
  // Connections become idle one by one, as their requests end.
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  const limit = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  await once(server, 'close');
  clearInterval(sweep);
  clearTimeout(limit);
}

/** Says why the port could not be had, in uvicorn's words. */
function explainBind(error: NodeJS.ErrnoException, { host, port }: SimOptions, say: (line: string) => void): number {
  if (error.syscall !== 'listen' && error.syscall !== 'getaddrinfo') throw error;
  const reason = error.code === 'EADDRINUSE' ? 'address already in use' : error.message;
  say(
    `ERROR:    [Errno ${Math.abs(error.errno ?? 0)}] error while attempting to bind on address ('${host}', ${port}): ${reason}`,
  );
  return 1;
}
