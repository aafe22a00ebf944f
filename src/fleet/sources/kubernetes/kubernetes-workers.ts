import type { Log } from '../../../observe/log/log.ts';
import type { Role } from '../../worker-spec.ts';
import type { FoundWorker, Stale, WorkerSource } from '../worker-source.ts';
import type { Cluster } from './access.ts';
import { ApiClient, ApiError } from './api-client.ts';
import { permissionFor } from './permission.ts';
import { type Naming, type Pod, workerOf } from './pod.ts';
import { FEED, type FeedOptions, PodFeed } from './pod-feed.ts';

interface KubernetesOptions {
  readonly cluster: Cluster;
  /** The namespace; all namespaces if undefined. */
  readonly namespace: string | undefined;
  /** The label selector of each role; a pod that several match has the first. */
  readonly selectors: ReadonlyMap<Role, string>;
  readonly naming: Naming;
  readonly feed?: Partial<FeedOptions>;
}

interface Pool {
  readonly role: Role;
  readonly selector: string;
  readonly feed: PodFeed;
  /** Whether the log has said that no pods match. */
  empty: boolean;
  /** The problem that was logged last. */
  problem: string | undefined;
}

/** The ready pods of a cluster that match a selector: one worker each. */
export class KubernetesWorkers implements WorkerSource {
  readonly name = 'kubernetes';
  readonly #options: KubernetesOptions;
  readonly #client: ApiClient;
  readonly #pools: readonly Pool[];
  readonly #log: Log;
  /** By uid: unreadable annotations, each logged once. */
  readonly #refused = new Map<string, string>();
  #joined = new Map<string, string>();
  #tell: ((workers: readonly FoundWorker[]) => void) | undefined;
  #due = false;

  constructor(options: KubernetesOptions, log: Log) {
    this.#options = options;
    this.#log = log;
    this.#client = new ApiClient(options.cluster);
    this.#pools = [...options.selectors].map(([role, selector]) => this.#pool(role, selector));
  }

  get stale(): Stale | undefined {
    const [problem] = this.#pools.flatMap(({ feed }) => feed.problem ?? []).sort((a, b) => a.sinceMs - b.sinceMs);
    return problem && { sinceMs: problem.sinceMs, problem: problem.error.message };
  }

  start(tell: (workers: readonly FoundWorker[]) => void): void {
    this.#tell = tell;
    for (const { feed, role, selector } of this.#pools) {
      this.#log.info('looking for pods', { role, selector, ...this.#where() });
      feed.start();
    }
  }

  close(): void {
    this.#tell = undefined;
    for (const { feed } of this.#pools) feed.close();
    this.#client.close();
  }

  #pool(role: Role, selector: string): Pool {
    const { namespace, naming, feed: options } = this.#options;
    const { bootstrapAnnotation } = naming;
    const pool: Pool = {
      role,
      selector,
      empty: false,
      problem: undefined,
      feed: new PodFeed(
        this.#client,
        { namespace, selector, bootstrapAnnotation },
        {
          changed: () => this.#changed(),
          failed: (error) => this.#failed(pool, error),
          recovered: () => this.#recovered(pool),
        },
        { ...FEED, ...options },
      ),
    };
    return pool;
  }

  /** Treats events that come together as one change. */
  #changed(): void {
    if (this.#due) return;
    this.#due = true;
    setImmediate(() => {
      this.#due = false;
      this.#publish();
    });
  }

  #publish(): void {
    if (!this.#tell) return;
    const found = new Map<string, FoundWorker>();
    const joined = new Map<string, string>();
    const seen = new Set<string>();
    for (const { role, feed } of this.#pools) {
      // Of two pods with one address the newer one has it.
      for (const pod of [...feed.pods.values()].sort((a, b) => a.createdMs - b.createdMs)) {
        if (seen.has(pod.uid)) continue;
        seen.add(pod.uid);
        const worker = workerOf(pod, role, this.#options.naming, (problem) => this.#refuse(pod, problem));
        if (!worker) continue;
        const other = found.get(worker.spec.url);
        if (other && other.leavesWithinMs === undefined && worker.leavesWithinMs !== undefined) continue;
        found.set(worker.spec.url, worker);
        if (worker.leavesWithinMs === undefined) joined.set(pod.uid, `${pod.name} ${worker.spec.url}`);
      }
    }
    for (const uid of this.#refused.keys()) if (!seen.has(uid)) this.#refused.delete(uid);
    this.#report(joined);
    this.#tell([...found.values()]);
    for (const pool of this.#pools) this.#lookForNobody(pool);
  }

  #report(joined: Map<string, string>): void {
    for (const [uid, pod] of joined) if (!this.#joined.has(uid)) this.#log.debug('pod joins', { pod, uid });
    for (const [uid, pod] of this.#joined) if (!joined.has(uid)) this.#log.debug('pod leaves', { pod, uid });
    this.#joined = joined;
  }

  #refuse({ uid, name }: Pod, problem: string): void {
    if (this.#refused.get(uid) === problem) return;
    this.#refused.set(uid, problem);
    this.#log.warning('annotation of a pod ignored: it cannot be read', { pod: name, problem });
  }

  #lookForNobody(pool: Pool): void {
    const { feed, role, selector } = pool;
    if (!feed.listed) return;
    const pods = [...feed.pods.values()];
    const empty = !pods.some((pod) => this.#joined.has(pod.uid));
    if (empty && !pool.empty) {
      const what = pods.length === 0 ? 'no pod matches the selector' : 'no pod that matches the selector is ready';
      this.#log.warning(`${what}: none of its kind serves`, { role, selector, ...this.#where(), pods: pods.length });
    }
    pool.empty = empty;
  }

  #failed(pool: Pool, error: Error): void {
    const problem = error.message;
    if (problem === pool.problem) return;
    pool.problem = problem;
    const { cluster, namespace } = this.#options;
    const about = { problem, server: cluster.server.href, from: cluster.from };
    const status = error instanceof ApiError ? error.status : undefined;
    if (status === 403) {
      const manifest = permissionFor(problem, namespace);
      this.#log.error(
        `discovery may not list and watch pods; asked again until it may. Allow it with:\n${manifest}\n`,
        about,
      );
    } else if (status === 401) {
      this.#log.error('the API server does not accept the credentials of discovery, tried again', about);
    } else {
      this.#log.warning('the API server cannot be asked, tried again; the workers stay as they are', about);
    }
  }

  #recovered(pool: Pool): void {
    if (pool.problem === undefined) return;
    pool.problem = undefined;
    const { feed } = pool;
    const [staleMs = 0] = feed.problem ? [Date.now() - feed.problem.sinceMs] : [];
    this.#log.info('the API server answers again', { role: pool.role, staleSecs: Math.round(staleMs / 1000) });
  }

  #where(): { readonly namespace: string } {
    return { namespace: this.#options.namespace ?? 'all of them' };
  }
}
