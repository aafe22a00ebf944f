import { openFilesLimit, RAISE_OPEN_FILES } from '../../os/open-files.ts';

/** File descriptors for listeners, logs, pipes and health checks, half of them for connections that are refused. */
const RESERVED = 128;
/** Connections beyond the limit that still get a 503; others are closed, as each takes a descriptor that a worker's connection needs. */
const MOST_REFUSED = 64;
/** What each of several data threads opens for itself: its event loop, its messages, its listening sockets. */
const OF_A_THREAD = 10;

/** How many connections one thread may have open. */
export interface ConnectionBounds {
  /** Most connections that are served. */
  readonly maxConnections: number;
  /** Most connections beyond those, whose requests are answered 503. */
  readonly maxRefused: number;
}

/** Clients that can each have a connection to a worker: half of the files that the process may open. No limit where the system does not say (macOS). */
export function affordableConnections(threads = 1, limit = openFilesLimit()): number {
  const ofThreads = threads > 1 ? OF_A_THREAD * threads : 0;
  return Math.max(1, Math.floor((limit - RESERVED - ofThreads) / 2));
}

/** The share of each of `threads` threads. */
export function connectionBounds(threads = 1, limit = openFilesLimit()): ConnectionBounds {
  return {
    maxConnections: Math.max(1, Math.floor(affordableConnections(threads, limit) / threads)),
    maxRefused: Math.max(1, Math.floor(MOST_REFUSED / threads)),
  };
}

/** With fewer connections, files are kept for clients and workers. */
const ENOUGH_CONNECTIONS = 256;

/** Whether the process has files to spare for the warm-up. */
export function hasFilesToSpare(): boolean {
  return affordableConnections() >= ENOUGH_CONNECTIONS;
}

/** A warning, for start-up, that few clients can be connected, or fewer than may have requests in flight. */
export function fewConnections(threads: number, maxInFlight: number, limit = openFilesLimit()): string | undefined {
  const most = affordableConnections(threads, limit);
  if (most >= Math.max(ENOUGH_CONNECTIONS, maxInFlight)) return undefined;
  const what = most === 1 ? '1 client can be connected' : `${most} clients can be connected`;
  return `only ${what} at once, further ones get 503, as at most ${limit} files may be open (ulimit -n); ${RAISE_OPEN_FILES}`;
}
