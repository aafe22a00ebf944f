import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { ExitError } from '../errors.ts';
import { portHolder } from './port-holder.ts';

/** Longer than clients' pools keep idle connections, so that the client is the one to close. */
const KEEP_ALIVE_MS = 75_000;
/** A burst of new connections, one per stream, must not be refused by a short accept queue. */
const BACKLOG = 4096;

/** Listens on `host:port` (port 0 takes a free one). Throws ExitError `port_in_use` naming the holder where it can be known. */
export async function listen(host: string, port: number, onRequest: RequestListener): Promise<Server> {
  const server = createServer({ noDelay: true, keepAliveTimeout: KEEP_ALIVE_MS, insecureHTTPParser: false }, onRequest);
  server.listen({ host, port, backlog: BACKLOG });
  try {
    await once(server, 'listening');
  } catch (error) {
    throw await explain(error as NodeJS.ErrnoException, host, port);
  }
  return server;
}

async function explain(error: NodeJS.ErrnoException, host: string, port: number): Promise<Error> {
  const cannot = `cannot listen on ${host}:${port}`;
  if (error.code === 'EADDRINUSE') {
    const holder = await portHolder(port);
    return new ExitError('port_in_use', `${cannot}: the port is in use${holder ? ` by ${holder}` : ''}`, {
      hint: 'stop that program, or choose another --port',
    });
  }
  const reasons: Record<string, string> = {
    EACCES: 'ports below 1024 need more rights',
    EADDRNOTAVAIL: 'no network interface of this machine has that address',
    ENOTFOUND: 'the host name is not known',
  };
  const reason = reasons[error.code ?? ''] ?? error.message;
  return new ExitError('usage', `${cannot}: ${reason}`, { hint: 'choose another --host or --port', cause: error });
}
