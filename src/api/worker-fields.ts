import { readBootstrapPort, readKey, readRole, readTimer, readUrl } from '../config/values.ts';
import { RouterError } from '../errors/errors.ts';
import type { Role, WorkerPatch, WorkerSpec } from '../fleet/worker-spec.ts';
import type { ApiContext } from './context.ts';
import { amountOf, countOf, type Fields, flagOf, labelsOf, textOf, wordOf } from './fields.ts';

/** The worker that the fields of a request name. Fields that the router has no use for are ignored, as unknown ones are. */
export function specOf(fields: Fields, { config, roles }: Pick<ApiContext, 'config' | 'roles'>): WorkerSpec {
  const url = urlOf(fields);
  if (url === undefined) throw new RouterError('unprocessable_entity', 'url: expected a URL, got nothing');
  return {
    url,
    role: roleOf(fields, roles),
    bootstrapPort: countOf(fields, 'bootstrap_port', readBootstrapPort),
    modelId: textOf(fields, 'model_id'),
    ...patchOf(fields),
    apiKey: wordOf(fields, 'api_key', readKey) ?? config.apiKey,
  };
}

/** A worker of another role would never be asked. */
function roleOf(fields: Fields, roles: readonly Role[]): Role {
  return wordOf({ worker_type: fields.worker_type ?? 'regular' }, 'worker_type', (word) =>
    readRole(word, roles),
  ) as Role;
}

/** The `url`, as a worker is named by it. */
export function urlOf(fields: Fields): string | undefined {
  return wordOf(fields, 'url', readUrl);
}

/** What the fields change of a worker. */
export function patchOf(fields: Fields): WorkerPatch {
  const patch = {
    apiKey: wordOf(fields, 'api_key', readKey),
    priority: amountOf(fields, 'priority'),
    cost: amountOf(fields, 'cost'),
    labels: labelsOf(fields, 'labels'),
    disableHealthCheck: flagOf(fields, 'disable_health_check'),
  };
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
}

/** How long the requests in flight on a removed worker may take. */
export function graceOf(fields: Fields): number | undefined {
  return countOf(fields, 'grace_secs', (word) => readTimer(word, { min: 0 }));
}
