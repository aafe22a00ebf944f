import type { Family as ApiFamily } from '../../http/endpoint.ts';
import { endpointOf } from '../../http/endpoints.ts';
import type { Families } from './families.ts';
import { CounterFamily, type Family, HistogramFamily } from './family.ts';
import type { MetricKey, MetricRow } from './table.ts';

type Labels = Readonly<Record<string, string>>;

/** A name of sglang-router 0.3.2 for one of our metrics; series that its fewer labels cannot tell apart are added up. */
export interface Alias {
  readonly name: string;
  readonly of: MetricKey;
  readonly labels: readonly string[];
  /** Values of `labels` for a series of `of`; undefined where it has no part in this metric. */
  readonly map: (labels: Labels) => readonly string[] | undefined;
}

/** Families that 0.3.2 tells apart; it has the same names for them. */
const TOLD_APART: ReadonlySet<ApiFamily> = new Set(['chat', 'generate', 'completions', 'rerank', 'responses']);
const isInference = (route: string) => endpointOf(route).inference;
const endpointLabel = (route = '') => {
  const { family } = endpointOf(route);
  return TOLD_APART.has(family) ? family : 'other';
};

const ROUTER = ['router_type', 'backend_type', 'connection_mode', 'model', 'endpoint'] as const;
const WORKER_KIND = ['worker_type', 'connection_mode'] as const;
/** What is sent to a model; 0.3.2 counts nothing else as its router's. */
const router = ({ model = '', route = '' }: Labels) =>
  isInference(route) ? ['http', 'regular', 'http', model, endpointLabel(route)] : undefined;
const byWorker = ({ worker = '' }: Labels) => [worker];

const ERROR_TYPES: Labels = {
  bad_request: 'validation_error',
  payload_too_large: 'validation_error',
  no_available_workers: 'no_workers',
  no_usable_workers: 'no_workers',
  worker_timeout: 'timeout',
  request_timeout: 'timeout',
  worker_connection_failed: 'backend_error',
  worker_bad_response: 'backend_error',
  worker_answer_too_large: 'backend_error',
  worker_died: 'backend_error',
};

/** `--metrics-compat smg`: the names of 0.3.2 that dashboards are built on. */
export const SMG: readonly Alias[] = [
  {
    name: 'smg_http_requests_total',
    of: 'requests',
    labels: ['method', 'path'],
    map: ({ method = '', route = '' }) => [method, route],
  },
  {
    name: 'smg_http_request_duration_seconds',
    of: 'requestDuration',
    labels: ['method', 'path'],
    map: ({ method = '', route = '' }) => [method, route],
  },
  {
    name: 'smg_http_responses_total',
    of: 'responses',
    labels: ['status_code', 'error_code'],
    map: ({ status_code = '', error_code = '' }) => [status_code, error_code],
  },
  { name: 'smg_http_connections_active', of: 'connections', labels: [], map: () => [] },
  {
    name: 'smg_http_rate_limit_total',
    of: 'responses',
    labels: ['result'],
    map: ({ route = '', error_code }) =>
      isInference(route) ? [error_code === 'too_many_requests' ? 'rejected' : 'allowed'] : undefined,
  },
  {
    name: 'smg_router_requests_total',
    of: 'requests',
    labels: [...ROUTER, 'streaming'],
    map: (labels) => {
      const values = router(labels);
      return values && [...values, labels.streaming ?? ''];
    },
  },
  { name: 'smg_router_request_duration_seconds', of: 'requestDuration', labels: ROUTER, map: router },
  {
    name: 'smg_router_request_errors_total',
    of: 'responses',
    labels: ['router_type', 'endpoint', 'error_type'],
    map: ({ route = '', error_code }) =>
      error_code && isInference(route)
        ? ['http', endpointLabel(route), ERROR_TYPES[error_code] ?? 'internal_error']
        : undefined,
  },
  {
    name: 'smg_router_upstream_responses_total',
    of: 'workerResponses',
    labels: ['router_type', 'status_code'],
    map: ({ status_code = '' }) => ['http', status_code],
  },
  {
    name: 'smg_router_ttft_seconds',
    of: 'ttft',
    labels: ['router_type', 'model'],
    map: ({ model = '' }) => ['http', model],
  },
  {
    name: 'smg_worker_pool_size',
    of: 'workers',
    labels: WORKER_KIND,
    map: ({ role = '' }) => [role, 'http'],
  },
  { name: 'smg_worker_requests_active', of: 'running', labels: ['worker'], map: byWorker },
  { name: 'smg_worker_health', of: 'workerHealth', labels: ['worker'], map: byWorker },
  {
    name: 'smg_worker_health_checks_total',
    of: 'healthChecks',
    labels: ['worker_type', 'result'],
    map: ({ role = '', result = '' }) => [role, result],
  },
  {
    name: 'smg_worker_selection_total',
    of: 'decisions',
    labels: [...WORKER_KIND, 'policy'],
    map: ({ role = '', policy = '' }) => [role, 'http', policy],
  },
  {
    name: 'smg_worker_errors_total',
    of: 'workerErrors',
    labels: [...WORKER_KIND, 'error_type'],
    map: ({ role = '', error_code = '' }) => [role, 'http', error_code],
  },
  { name: 'smg_worker_cb_state', of: 'breakerState', labels: ['worker'], map: byWorker },
  {
    name: 'smg_worker_cb_transitions_total',
    of: 'breakerTransitions',
    labels: ['worker', 'from', 'to'],
    map: ({ worker = '', from = '', to = '' }) => [worker, from, to],
  },
  {
    name: 'smg_worker_cb_outcomes_total',
    of: 'breakerOutcomes',
    labels: ['worker', 'outcome'],
    map: ({ worker = '', outcome = '' }) => (outcome === 'neutral' ? undefined : [worker, outcome]),
  },
  {
    name: 'smg_worker_cb_consecutive_failures',
    of: 'breakerFailures',
    labels: ['worker'],
    map: byWorker,
  },
  {
    name: 'smg_worker_retries_total',
    of: 'retries',
    labels: ['worker_type', 'endpoint'],
    map: ({ route }) => ['regular', endpointLabel(route)],
  },
  {
    name: 'smg_worker_retries_exhausted_total',
    of: 'retriesExhausted',
    labels: ['worker_type', 'endpoint'],
    map: ({ route }) => ['regular', endpointLabel(route)],
  },
];

/** The alias as it stands now. */
export function aliasFamily(alias: Alias, families: Families): CounterFamily | HistogramFamily {
  const source = families[alias.of];
  const row: MetricRow = { ...source.row, name: alias.name, labels: alias.labels };
  if (source instanceof HistogramFamily) return mapped(alias, source, new HistogramFamily(row, source.bounds));
  return mapped(alias, source, new CounterFamily(row));
}

function mapped<T extends { add(other: T): void }, F extends Family<T>>(alias: Alias, source: Family<T>, into: F): F {
  for (const [values, series] of source.entries()) {
    const target = alias.map(source.labels(values));
    if (target) into.with(...target).add(series);
  }
  return into;
}
