import type { Alias } from './alias.ts';

/** The rule of cache_aware that goes by a prompt's prefix. */
const HIT = 'prefix';
const byCacheAware = (policy: string | undefined) => policy === 'cache_aware';

/** Names of sglang-router 0.2.x that dashboards are built on, where ours say it in another way. */
export const FORMER: readonly Alias[] = [
  {
    name: 'sgl_router_active_workers',
    help: 'Workers that are healthy',
    of: ['workerReady'],
    labels: [],
    map: () => [],
  },
  {
    name: 'sgl_router_worker_load',
    of: ['running'],
    labels: ['worker'],
    map: ({ worker = '' }) => [worker],
  },
  {
    name: 'sgl_router_cache_hits_total',
    help: 'Choices of cache_aware that went by the prefix of the prompt',
    of: ['decisions'],
    labels: [],
    map: ({ policy, reason }) => (byCacheAware(policy) && reason === HIT ? [] : undefined),
  },
  {
    name: 'sgl_router_cache_misses_total',
    help: 'Choices of cache_aware that went by another of its rules',
    of: ['decisions'],
    labels: [],
    map: ({ policy, reason }) => (byCacheAware(policy) && reason !== HIT ? [] : undefined),
  },
  {
    name: 'sgl_router_generate_duration_seconds',
    help: 'From the head of a request for /generate to the last byte of its answer',
    of: ['requestDuration'],
    labels: [],
    map: ({ route }) => (route === '/generate' ? [] : undefined),
  },
];
