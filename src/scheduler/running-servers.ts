import type { WorkerServer } from '../http/upstream/worker-server.ts';

/** The servers that may be asked what they keep. */
export interface RunningServers {
  /** Those that are up, ready or not. */
  up(): readonly WorkerServer[];
}
