import type { ServerView, Snapshot } from './snapshot.ts';

/** The servers that were started with the router. */
export interface Launch {
  servers(): ServerView[];
  readonly rollingRestart: Snapshot['rollingRestart'];
  /** Starts all servers again, one after the other, while the others serve. */
  restartAll(): Promise<void>;
}
