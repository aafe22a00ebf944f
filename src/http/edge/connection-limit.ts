import { openFilesLimit } from '../../os/open-files.ts';

/** File descriptors for listeners, logs, pipes and health checks, half of them for connections that are refused. */
const RESERVED = 128;

/** Clients that can each have a connection to a worker: half of the files that the process may open. No limit where the system does not say (macOS). */
export function affordableConnections(): number {
  return Math.max(1, Math.floor((openFilesLimit() - RESERVED) / 2));
}

/** With fewer connections, files are kept for clients and workers. */
const ENOUGH_CONNECTIONS = 256;

/** Whether the process has files to spare for the warm-up. */
export function hasFilesToSpare(): boolean {
  return affordableConnections() >= ENOUGH_CONNECTIONS;
}
