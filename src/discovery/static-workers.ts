import type { Config } from '../config/options.ts';
import type { Role, WorkerSpec } from '../workers/worker-spec.ts';

type Named = Pick<Config, 'pdDisaggregation' | 'workerUrls' | 'prefill' | 'decode' | 'apiKey'>;

/** The workers that the configuration names. */
export function staticWorkers({ pdDisaggregation, workerUrls, prefill, decode, apiKey }: Named): readonly WorkerSpec[] {
  const common = { apiKey, source: 'static' } as const;
  if (!pdDisaggregation) return workerUrls.map((url) => ({ url, ...common }));
  return [
    ...prefill.map(({ url, bootstrapPort }) => ({ url, bootstrapPort, role: 'prefill' as const, ...common })),
    ...decode.map((url) => ({ url, role: 'decode' as const, ...common })),
  ];
}

/** Of each a worker is needed to serve a request. */
export function rolesOf({ pdDisaggregation }: Pick<Config, 'pdDisaggregation'>): readonly Role[] {
  return pdDisaggregation ? ['prefill', 'decode'] : ['regular'];
}
