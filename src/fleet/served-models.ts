import type { Log } from '../observe/log/log.ts';
import type { Registry } from './registry.ts';
import type { Worker } from './worker.ts';
import type { WorkerIdentity } from './worker-identity.ts';
import { type Role, UNKNOWN_MODEL } from './worker-spec.ts';
import type { WorkerTarget } from './worker-target.ts';

/** Which workers serve which models, computed once after each change of the workers. */
export class ServedModels {
  readonly #registry: Registry;
  readonly #log: Log;
  #ids: readonly string[] = [];
  /** Name → its workers; a model has a name for clients and a path that it was loaded from. */
  #workers: ReadonlyMap<string, ReadonlySet<WorkerIdentity>> = new Map();
  readonly #available = new Map<Role, Map<string, readonly WorkerTarget[]>>();

  constructor(registry: Registry, log: Log) {
    this.#registry = registry;
    this.#log = log;
    for (const event of ['change', 'learned', 'remove'] as const) registry.on(event, () => this.#refresh());
  }

  /** Each model once, by the name that clients use. */
  get ids(): readonly string[] {
    return this.#ids;
  }

  /** Requests must name their model. */
  get several(): boolean {
    return this.#ids.length > 1;
  }

  /** Why a healthy worker gets no requests that name a model; undefined if it does. */
  unserved({ modelId, facts }: Worker): string | undefined {
    if (!this.several || modelId !== UNKNOWN_MODEL) return undefined;
    const { modelProblem = 'not asked yet' } = facts;
    const others = `others serve several (${this.#ids.join(', ')})`;
    return `its model is not known (${modelProblem}), and ${others}: name it (model_id)`;
  }

  /** Why a worker will never serve the model `name`; undefined if it does, or may once it is up. */
  never(worker: Worker, name: string): string | undefined {
    const { modelId, spec, up, facts } = worker;
    if (this.serves(worker, name)) return undefined;
    if (spec.modelId === undefined && !up) return undefined;
    if (modelId !== UNKNOWN_MODEL) return `it serves ${modelId}`;
    // A worker that has not answered is asked again.
    return facts.modelProblem === undefined || facts.untold?.answered === false ? undefined : this.unserved(worker);
  }

  /** The served name for `name`: workers of `base` serve `base:adapter`. Undefined if no worker serves it. */
  find(name: string): string | undefined {
    if (this.#workers.has(name)) return name;
    const base = name.slice(0, Math.max(0, name.lastIndexOf(':')));
    return this.#workers.has(base) ? base : undefined;
  }

  /** Whether a worker serves that name. */
  serves(worker: WorkerIdentity, name: string): boolean {
    return this.#workers.get(name)?.has(worker) ?? false;
  }

  /** Targets of `Registry.available` that serve the model; the same array until something changes. */
  available(role: Role, name: string): readonly WorkerTarget[] {
    let ofRole = this.#available.get(role);
    if (!ofRole) {
      ofRole = new Map();
      this.#available.set(role, ofRole);
    }
    let targets = ofRole.get(name);
    if (!targets) {
      targets = this.#serving(name, this.#registry.available(role));
      ofRole.set(name, targets);
    }
    return targets;
  }

  /** Targets of `Registry.lastResort` that serve the model. */
  lastResort(role: Role, name: string): readonly WorkerTarget[] {
    return this.#serving(name, this.#registry.lastResort(role));
  }

  #serving(name: string, targets: readonly WorkerTarget[]): readonly WorkerTarget[] {
    return targets.filter(({ worker }) => this.serves(worker, name));
  }

  #refresh(): void {
    const workers = this.#registry.workers.filter(({ modelId }) => modelId !== UNKNOWN_MODEL);
    const byName = new Map<string, Set<Worker>>();
    for (const worker of workers) {
      for (const name of namesOf(worker)) byName.set(name, (byName.get(name) ?? new Set()).add(worker));
    }
    const before = this.#ids;
    this.#ids = [...new Set(workers.map(({ modelId }) => modelId))];
    this.#workers = byName;
    this.#available.clear();
    if (this.several && this.#ids.join() !== before.join()) {
      this.#log.info('several models: requests go by their field model', { models: this.#ids.join(', ') });
    }
  }
}

function namesOf({ modelId, facts: { servedModelName, modelPath, listedModels = [] } }: Worker): readonly string[] {
  return [modelId, servedModelName, modelPath, ...listedModels].filter((name) => name !== undefined);
}
