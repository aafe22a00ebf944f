import type { RouterError } from '../errors/errors.ts';
import type { Registry } from '../fleet/registry.ts';
import type { Worker } from '../fleet/worker.ts';
import type { Role } from '../fleet/worker-spec.ts';
import type { Families } from '../observe/metrics/families.ts';
import type { Launch } from './launch.ts';

/** Where a snapshot is read from. */
export interface Facts {
  readonly version: string;
  readonly registry: Registry;
  /** What is counted. */
  readonly families: Families;
  /** The name of the policy of each role. */
  readonly policies: ReadonlyMap<Role, string>;
  readonly inFlight: () => number;
  readonly queued: () => number;
  readonly connections: () => number;
  /** Why nothing is served at the moment (starting, draining); undefined when open. */
  readonly closed: () => RouterError | undefined;
  /** Why a worker does not get its share of the requests; undefined where it does. */
  readonly problemOf: (worker: Worker) => string | undefined;
  /** Workers that could not be added, lately. */
  readonly failedAdditions: () => Iterable<{ readonly url: string; readonly atMs: number; readonly problem: string }>;
  /** Undefined where the router was started alone. */
  readonly launch: () => Launch | undefined;
}
