import type { Config } from '../config/options.ts';
import { Loads } from '../fleet/loads.ts';
import type { Registry } from '../fleet/registry.ts';
import type { Worker } from '../fleet/worker.ts';
import type { Role } from '../fleet/worker-spec.ts';
import type { Log } from '../observe/log/log.ts';
import type { Policy } from '../scheduler/policies/policy.ts';

/** Tells the policies what becomes of the workers that they choose among, and what those say of themselves. */
export class PolicyFeed {
  readonly #policies: ReadonlyMap<Role, Policy>;
  readonly #log: Log;
  readonly #loads: Loads | undefined;
  readonly #evictions: NodeJS.Timeout | undefined;

  constructor(
    policies: ReadonlyMap<Role, Policy>,
    registry: Registry,
    { evictionIntervalMs }: Pick<Config, 'evictionIntervalMs'>,
    log: Log,
  ) {
    this.#policies = policies;
    this.#log = log;
    const all = [...policies.values()];
    if (all.some(({ followsLoad }) => followsLoad)) this.#loads = this.#followLoads(registry);
    for (const event of ['lost', 'remove'] as const) {
      registry.on(event, (worker) => {
        for (const target of worker.targets) this.#policyOf(worker)?.removed?.(target);
      });
    }
    registry.on('learned', (worker) => this.#learned(worker));
    const evict = () => {
      for (const policy of all) policy.evict?.();
    };
    if (all.some((policy) => policy.evict)) this.#evictions = setInterval(evict, evictionIntervalMs).unref();
  }

  close(): void {
    this.#loads?.close();
    clearInterval(this.#evictions);
  }

  #policyOf({ role }: Pick<Worker, 'role'>): Policy | undefined {
    return this.#policies.get(role);
  }

  #followLoads(registry: Registry): Loads {
    const loads = new Loads({
      learned: (target, report) => this.#policyOf(target.worker)?.learned?.(target, report),
      failed: ({ url }, problem) => {
        const message = 'worker does not report its load: judged by what this router sends there';
        this.#log.warning(message, { worker: url, problem });
      },
    });
    registry.on('remove', (worker) => loads.removed(worker));
    registry.on('change', (worker) => {
      if (this.#policyOf(worker)?.followsLoad) loads.changed(worker);
    });
    return loads;
  }

  #learned(worker: Worker): void {
    const policy = this.#policyOf(worker);
    if (!policy?.learned) return;
    for (const target of worker.targets) {
      const { kvCapacityTokens } = target;
      if (kvCapacityTokens !== undefined) policy.learned(target, { kvCapacityTokens });
    }
    const { kvCapacityTokens, problem } = worker.facts;
    if (kvCapacityTokens !== undefined) return;
    this.#log.warning('worker does not tell the size of its KV cache', { worker: worker.url, problem });
  }
}
