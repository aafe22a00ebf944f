import type { Recipients, TellAllParts } from '../api/tell-all.ts';
import { RequestHints } from '../data/prompt/hints.ts';
import type { RouterError } from '../errors/errors.ts';
import type { Registry } from '../fleet/registry.ts';
import type { ServedModels } from '../fleet/served-models.ts';
import type { Log } from '../observe/log/log.ts';
import { modelOf } from '../scheduler/models.ts';

/** Finds the servers that get a request for all: those that are up. The others are logged, as they will not know of it. `refusal` has the errors for none. */
export function recipients(
  registry: Registry,
  models: ServedModels,
  refusal: { starting(): RouterError | undefined; missing(model: string | undefined): RouterError },
  log: Log,
): Pick<TellAllParts, 'recipients' | 'emptied'> {
  return {
    recipients({ path, reachesDraining, ofModel }, request, body): Recipients {
      const named = modelIn(request.url) ?? new RequestHints(request, { body }).model;
      const model = modelOf(models, { model: named }, ofModel);
      const { workers } = registry;
      const of = model === undefined ? workers : workers.filter((worker) => models.serves(worker, model));
      const up = [...of.filter((worker) => worker.up), ...(reachesDraining ? registry.draining : [])];
      const starting = refusal.starting();
      if (starting) throw starting;
      if (up.length === 0) throw refusal.missing(model);
      const away = of.filter((worker) => !worker.up).map(({ url }) => url);
      if (away.length > 0) log.warning('workers that are not up were not told', { path, workers: away.join(' ') });
      return { model, servers: up };
    },
    emptied({ url }) {
      const worker = registry.get(url);
      if (worker) registry.flushed(worker);
    },
  };
}

/** Reads `?model=NAME`, which spares servers a body field that they may refuse. */
function modelIn(url: string): string | undefined {
  const query = url.indexOf('?');
  return query < 0 ? undefined : (new URLSearchParams(url.slice(query)).get('model') ?? undefined);
}
