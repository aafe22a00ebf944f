import type { Config } from '../../config/options.ts';
import type { Role, WorkerSpec } from '../worker-spec.ts';
import type { FoundWorker, WorkerSource } from './worker-source.ts';

type Named = Pick<Config, 'pdDisaggregation' | 'workerUrls' | 'prefill' | 'decode' | 'apiKey'>;

/** Names the workers of the configuration, which never change. */
export class StaticWorkers implements WorkerSource {
  readonly name = 'static';
  readonly stale = undefined;
  readonly named: readonly WorkerSpec[];

  constructor(config: Named) {
    this.named = specsOf(config);
  }

  start(tell: (workers: readonly FoundWorker[]) => void): void {
    tell(this.named.map((spec) => ({ spec })));
  }

  close(): void {}
}

function specsOf({ pdDisaggregation, workerUrls, prefill, decode, apiKey }: Named): readonly WorkerSpec[] {
  if (!pdDisaggregation) return workerUrls.map((url) => ({ url, apiKey }));
  return [
    ...prefill.map(({ url, bootstrapPort }) => ({ url, bootstrapPort, role: 'prefill' as const, apiKey })),
    ...decode.map((url) => ({ url, role: 'decode' as const, apiKey })),
  ];
}

/** The roles of which a worker each is needed to serve requests. */
export function rolesOf({ pdDisaggregation }: Pick<Config, 'pdDisaggregation'>): readonly Role[] {
  return pdDisaggregation ? ['prefill', 'decode'] : ['regular'];
}
