import type { AddressInfo } from 'node:net';

/** The port that clients connect to, whichever threads serve it. */
export interface ClientPort {
  address(): AddressInfo;
  /** How many clients are connected. */
  readonly connections: number;
  /** Lets each open connection serve one more request; resolves once all threads know. */
  leave(): undefined | Promise<unknown>;
  /** Whether one of those last requests may be on its way: its client was answered less than `ms` ago. */
  awaitsLast(ms: number): boolean | Promise<boolean>;
  /** Stops listening; connections close after the answers under way. */
  close(): unknown;
  /** Closes every connection, whatever is under way. */
  closeAllConnections(): void;
}
