import { RouterError } from '../errors/errors.ts';
import type { Registry } from './registry.ts';
import type { ServedModels } from './served-models.ts';
import type { Worker } from './worker.ts';
import type { Role } from './worker-spec.ts';

/** Most workers that an error names. */
const NAMED = 3;

/**
 * The error for a request that would wait in vain, as no worker of a needed role can come back by itself. Undefined where one may, or
 * where there is none at all, as one may be added.
 */
export function hopeless(
  { workers }: Registry,
  models: ServedModels,
  roles: Iterable<Role>,
  model: string | undefined,
): RouterError | undefined {
  for (const role of roles) {
    const reasons = workers
      .filter((worker) => worker.role === role)
      .map((worker) => ({ url: worker.url, reason: reasonOf(worker, models, model) }));
    if (reasons.length === 0 || reasons.some(({ reason }) => reason === undefined)) continue;
    const whose = `no ${role === 'regular' ? '' : `${role} `}worker${model === undefined ? '' : ` with model ${model}`}`;
    const named = reasons.slice(0, NAMED).map(({ url, reason }) => `${url}: ${reason}`);
    if (reasons.length > NAMED) named.push(`and ${reasons.length - NAMED} more`);
    const message = `${whose} can be used as they are set up, and waiting does not mend that: ${named.join('; ')}`;
    return new RouterError('no_usable_workers', message);
  }
  return undefined;
}

function reasonOf(worker: Worker, models: ServedModels, model: string | undefined): string | undefined {
  return worker.hopeless ?? (model === undefined ? undefined : models.never(worker, model));
}
