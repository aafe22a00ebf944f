/** A connection of a client, whichever HTTP it speaks. */
export interface OpenConnection {
  /** Closes the connection now, whatever is under way. */
  destroy(): void;
  /** How long the connection has waited for the whole head of a request; 0 while it serves one. */
  silentMs(nowMs: number): number;
  /** The router begins to shut down: the next answer on this connection is its last. */
  leave(): void;
  /** Whether its last request may be on its way. */
  awaitsLast(ms: number, nowMs: number): boolean;
  /** Closes the connection after the answers under way. */
  closeWhenIdle(): void;
  /** Ends requests and connections that take too long. */
  check(nowMs: number): void;
}
