import { RouterError } from '../../errors/errors.ts';
import type { Log } from '../../observe/log/log.ts';
import type { Registry } from '../registry.ts';
import type { Worker } from '../worker.ts';
import { keyOf } from '../worker-identity.ts';
import type { FoundWorker, SourceName, WorkerSource } from './worker-source.ts';

/** What a source names now, by server key. */
interface Claims {
  readonly source: WorkerSource;
  found: ReadonlyMap<string, FoundWorker>;
  /** Number of workers added because of the source. */
  added: number;
  removed: number;
}

/** The state of a source, for the API. */
export interface SourceState extends Pick<WorkerSource, 'name' | 'stale'> {
  /** Number of workers that the source names now. */
  readonly names: number;
  /** Number of workers added because of the source. */
  readonly added: number;
  readonly removed: number;
}

/** A worker that is registered because a source names it. */
interface Held {
  readonly worker: Worker;
  by: SourceName;
  found: FoundWorker;
  /** Whether an API call removed it; it stays out while its source names the same worker. */
  dismissed: boolean;
}

/**
 * Keeps the registry equal to what the sources name: it adds new workers and drains those no longer named. A URL belongs to the first
 * source that names it; workers added by an API call or a launch are left alone.
 */
export class Reconciler {
  readonly #registry: Registry;
  readonly #log: Log;
  readonly #claims: Claims[] = [];
  /** Workers by server key. */
  readonly #held = new Map<string, Held>();
  /** Whether the log has said that there is no room. */
  #full = false;

  constructor(registry: Registry, log: Log) {
    this.#registry = registry;
    this.#log = log;
    registry.on('remove', (worker) => this.#removed(worker));
  }

  /** Sources that may go stale: all but the command line. */
  get sources(): readonly SourceState[] {
    return this.#claims
      .filter(({ source }) => source.name !== 'static')
      .map(({ source: { name, stale }, found, added, removed }) => ({
        name,
        stale,
        names: found.size,
        added,
        removed,
      }));
  }

  follow(source: WorkerSource): void {
    const claims: Claims = { source, found: new Map(), added: 0, removed: 0 };
    this.#claims.push(claims);
    source.start((workers) => this.#apply(claims, workers));
  }

  close(): void {
    for (const { source } of this.#claims) source.close();
  }

  #apply(claims: Claims, workers: readonly FoundWorker[]): void {
    const before = claims.found;
    const found = new Map(workers.map((each) => [keyOf(each.spec.url), each]));
    if (claims.source.named) this.#expectRoom(before, found);
    claims.found = found;
    let [added, removed] = [0, 0];
    for (const key of new Set([...before.keys(), ...found.keys()])) {
      const { worker: was } = this.#held.get(key) ?? {};
      this.#settle(key, found.get(key)?.leavesWithinMs);
      const { worker: is } = this.#held.get(key) ?? {};
      if (is === was) continue;
      if (was) removed++;
      if (is) added++;
    }
    if (added + removed === 0) return;
    claims.added += added;
    claims.removed += removed;
    this.#log.info('workers changed', {
      source: claims.source.name,
      added,
      removed,
      now: this.#registry.workers.length,
    });
  }

  /** Throws RouterError `too_many_workers` unless all new workers fit once those no longer named are gone. */
  #expectRoom(before: Claims['found'], found: Claims['found']): void {
    const coming = [...found.keys()].filter((key) => !this.#registry.get(key)).length;
    const leaving = [...before.keys()].filter((key) => !found.has(key) && this.#endsWith(key)).length;
    this.#registry.expectRoom(coming - leaving);
  }

  /** Whether a worker is removed when its source drops it. */
  #endsWith(key: string): boolean {
    return this.#held.get(key)?.dismissed === false && this.#claims.filter(({ found }) => found.has(key)).length === 1;
  }

  /** Adds, keeps or removes the worker with this key, as the sources name it now. */
  #settle(key: string, graceMs?: number): void {
    const wanted = this.#wanted(key);
    const held = this.#held.get(key);
    if (held && wanted && continues(held, wanted)) {
      const { apiKey } = wanted.found.spec;
      if (!held.dismissed && held.worker.spec.apiKey !== apiKey) this.#registry.update(held.worker, { apiKey });
      held.by = wanted.by;
      held.found = wanted.found;
      return;
    }
    if (held) {
      // This comes first, so that the removal is not taken for an API call's.
      this.#held.delete(key);
      if (!held.dismissed) void this.#registry.remove(key, graceMs);
    }
    if (!wanted || this.#registry.get(key)) return;
    const worker = this.#add(wanted);
    if (worker) this.#held.set(key, { worker, ...wanted, dismissed: false });
  }

  /** Adds a worker; returns undefined if there is no room. */
  #add({ by, found: { spec } }: Pick<Held, 'by' | 'found'>): Worker | undefined {
    try {
      const worker = this.#registry.add({ ...spec, source: by });
      this.#full = false;
      return worker;
    } catch (error) {
      if (!(error instanceof RouterError)) throw error;
      if (!this.#full) this.#log.error('worker not added', { worker: spec.url, source: by, problem: error.message });
      this.#full = true;
      return undefined;
    }
  }

  #wanted(key: string): Pick<Held, 'by' | 'found'> | undefined {
    for (const { source, found } of this.#claims) {
      const claim = found.get(key);
      if (claim && claim.leavesWithinMs === undefined) return { by: source.name, found: claim };
    }
    return undefined;
  }

  #removed({ key, id }: Worker): void {
    const held = this.#held.get(key);
    if (held?.worker.id === id) held.dismissed = true;
    // A source has named this worker of an API call meanwhile.
    else if (this.#wanted(key)) queueMicrotask(() => this.#settle(key));
  }
}

/** Whether the named worker is the registered one: the same server in the same role. */
function continues({ found, by }: Held, wanted: Pick<Held, 'by' | 'found'>): boolean {
  const [is, will] = [found.spec, wanted.found.spec];
  return (
    (is.role ?? 'regular') === (will.role ?? 'regular') &&
    is.bootstrapPort === will.bootstrapPort &&
    is.modelId === will.modelId &&
    (by !== wanted.by || found.uid === wanted.found.uid)
  );
}
