import type { Config } from '../config/options.ts';
import type { Dashboard } from '../dashboard/dashboard.ts';
import type { Launch } from '../dashboard/launch.ts';
import type { RouterError } from '../errors/errors.ts';
import type { Registry } from '../fleet/registry.ts';
import type { Worker } from '../fleet/worker.ts';
import type { Role } from '../fleet/worker-spec.ts';
import type { Authorize } from '../http/auth.ts';
import type { Reply } from '../http/edge/reply.ts';
import type { Log } from '../observe/log/log.ts';
import type { Metrics } from '../observe/metrics/metrics.ts';
import type { Additions } from './additions.ts';
import type { EngineLoads } from './engine-loads.ts';
import type { FanOutLimit } from './fan-out-limit.ts';
import type { Questions } from './questions.ts';

/** Who names workers, and since which Unix time it cannot say which there are. */
export interface SourceState {
  readonly name: string;
  readonly stale: { readonly sinceMs: number; readonly problem: string } | undefined;
}

/** What the API is made from. */
export interface ApiParts {
  readonly config: Pick<Config, 'apiKey' | 'workerStartupTimeoutMs'>;
  readonly registry: Registry;
  readonly authorize: Authorize;
  /** Of each a worker is needed to serve a request. */
  readonly roles: readonly Role[];
  /** Why nothing is served at the moment (starting, draining); undefined when open. */
  readonly closed: () => RouterError | undefined;
  /** What is answered where there is no worker to ask. */
  readonly missing: () => RouterError;
  /** Why a worker that is well gets no requests all the same; undefined where it does. */
  readonly unserved: (worker: Worker) => string | undefined;
  /** Who names workers. */
  readonly sources: () => readonly SourceState[];
  /** Answers with what the policies choose, until the client leaves. */
  readonly tellChoices: (reply: Reply) => void;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly additions: Additions;
  readonly dashboard: Dashboard;
  /** The servers that were started with the router; undefined where it was started alone. */
  readonly launch: () => Launch | undefined;
}

/** What the handlers work with. */
export interface ApiContext extends ApiParts {
  readonly engineLoads: EngineLoads;
  readonly questions: Questions;
  readonly flushLimit: FanOutLimit;
}
