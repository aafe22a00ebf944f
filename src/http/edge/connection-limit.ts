import { openFilesLimit } from '../../os/open-files.ts';

/** Descriptors that are not connections of clients who are served: listeners, log files, the servers' pipes, health checks, and half of them for connections that are refused. */
const RESERVED = 128;

/** For how many clients the process could still open a connection to a worker each: half of the files that it may open. No limit where the system does not say (macOS). */
export function affordableConnections(): number {
  return Math.max(1, Math.floor((openFilesLimit() - RESERVED) / 2));
}

/** Below so many, files are for clients and workers. */
const ENOUGH_CONNECTIONS = 256;

/** Whether the process may open some files that it could do without. */
export function hasFilesToSpare(): boolean {
  return affordableConnections() >= ENOUGH_CONNECTIONS;
}
