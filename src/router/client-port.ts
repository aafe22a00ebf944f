import type { AddressInfo } from 'node:net';

/** The port that clients connect to, whichever threads serve it. */
export interface ClientPort {
  address(): AddressInfo;
  /** How many clients are connected. */
  readonly connections: number;
  /** Each connection that is there serves one request more. Resolves when that is so, where it takes a moment. */
  leave(): undefined | Promise<unknown>;
  /** Whether one of those requests may be on its way: its client had an answer less than `ms` ago. */
  awaitsLast(ms: number): boolean | Promise<boolean>;
  /** Listens no more; connections close when what they carry is answered. */
  close(): unknown;
  /** Closes every connection, whatever is under way. */
  closeAllConnections(): void;
}
