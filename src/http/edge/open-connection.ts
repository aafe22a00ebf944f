/** A connection of a client, whichever HTTP it speaks. */
export interface OpenConnection {
  /** Closes it now, whatever is under way. */
  destroy(): void;
  /** How long it has had no whole head of a request, while none is answered. */
  silentMs(nowMs: number): number;
  /** The router begins to leave: what it answers on this connection from now on is the last. */
  leave(): void;
  /** It serves one request more, which may be on its way. */
  awaitsLast(ms: number, nowMs: number): boolean;
  /** Closes it when what is under way is answered. */
  closeWhenIdle(): void;
  /** Ends what takes too long. */
  check(nowMs: number): void;
}
