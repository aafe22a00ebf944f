import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SimContext } from './api/context.ts';
import { ResponseStore } from './api/response-store.ts';
import { createRank } from './create-rank.ts';
import { createBootstrapServer } from './disaggregation/bootstrap-server.ts';
import { Rendezvous } from './disaggregation/rendezvous.ts';
import { systemEngineClock } from './engine-clock.ts';
import { Faults } from './faults.ts';
import { HttpCounts } from './http-counts.ts';
import type { SimOptions } from './options.ts';
import { createSimServer } from './server.ts';
import { startUp } from './startup.ts';

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
  const { server, bootstrap } = buildServers(program, () => ready);
  const listen = async () => {
    if (bootstrap) {
      const port = await bind(bootstrap, options.host, options.bootstrapPort);
      say(`Bootstrap server running on http://${options.host}:${port}`);
    }
    return bind(server, options.host, options.port);
  };
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
    return explainBind(error as BindError, say);
  } finally {
    for (const one of [server, bootstrap]) {
      one?.closeAllConnections();
      one?.close();
    }
  }
}

interface Servers {
  readonly server: Server;
  /** Where decode servers come, if this is a prefill server. */
  readonly bootstrap: Server | undefined;
}

function buildServers(program: SimProcess, ready: () => boolean): Servers {
  const { options, commandLine, newId, say, die } = program;
  const { dpSize } = options;
  const ranks = Array.from({ length: dpSize }, (_, index) => createRank(options, index, systemEngineClock));
  const rendezvous =
    options.disaggregationMode === 'prefill' ? new Rendezvous(options, systemEngineClock, say) : undefined;
  const info = () => ({ dp_size: dpSize, page_size: options.pageSize, follow_bootstrap_room: true });
  const bootstrap = rendezvous && createBootstrapServer(rendezvous, dpSize, info);
  const context: SimContext = {
    options,
    ranks,
    turns: { next: 0 },
    rendezvous,
    bootstrapPort: () => (bootstrap?.address() as AddressInfo | undefined | null)?.port ?? options.bootstrapPort,
    responses: new ResponseStore(),
    counts: new HttpCounts(),
    clock: systemEngineClock,
    newId,
    commandLine,
    ready,
  };
  return { server: createSimServer({ context, faults: new Faults(options), say, die }), bootstrap };
}

type BindError = NodeJS.ErrnoException & { readonly wanted?: string };

async function bind(server: Server, host: string, port: number): Promise<number> {
  server.listen({ host, port, backlog: BACKLOG });
  try {
    await once(server, 'listening');
  } catch (error) {
    throw Object.assign(error as Error, { wanted: `('${host}', ${port})` });
  }
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
function explainBind(error: BindError, say: (line: string) => void): number {
  if (error.syscall !== 'listen' && error.syscall !== 'getaddrinfo') throw error;
  const reason = error.code === 'EADDRINUSE' ? 'address already in use' : error.message;
  say(
    `ERROR:    [Errno ${Math.abs(error.errno ?? 0)}] error while attempting to bind on address ${error.wanted}: ${reason}`,
  );
  return 1;
}
