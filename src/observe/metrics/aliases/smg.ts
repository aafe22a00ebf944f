import type { Family as ApiFamily } from '../../../http/endpoint.ts';
import { endpointOf } from '../../../http/endpoints.ts';
import type { ErrorType } from '../labels.ts';
import type { Alias, AliasContext } from './alias.ts';

type Labels = Readonly<Record<string, string>>;

/** Families that 0.3.2 tells apart; it has the same names for them. */
const TOLD_APART: ReadonlySet<ApiFamily> = new Set(['chat', 'generate', 'completions', 'rerank', 'responses']);
const isInference = (route: string) => endpointOf(route).inference;
const endpointLabel = (route = '') => {
  const { family } = endpointOf(route);
  return TOLD_APART.has(family) ? family : 'other';
};

const ROUTER = ['router_type', 'backend_type', 'connection_mode', 'model', 'endpoint'] as const;
/** Of what is counted by worker, which does not tell the endpoint. */
const ROUTER_MODEL = ['router_type', 'backend_type', 'model'] as const;
const WORKER_KIND = ['worker_type', 'connection_mode'] as const;
/** What is sent to a model; 0.3.2 counts nothing else as its router's. */
const router = ({ model = '', route = '' }: Labels, { backend }: AliasContext) =>
  isInference(route) ? ['http', backend, 'http', model, endpointLabel(route)] : undefined;
const byWorker = ({ worker = '' }: Labels) => [worker];
const byModel = ({ worker = '', role = '', model }: Labels, { modelOf }: AliasContext) => [
  ...['http', role === 'regular' ? 'regular' : 'pd'],
  model ?? modelOf(worker),
];
const kindAndModel = ({ worker = '', role = '' }: Labels, { modelOf }: AliasContext) => [role, 'http', modelOf(worker)];
/** Both servers of a pair count as tried again. */
const retried = {
  labels: ['worker_type', 'endpoint'],
  map: ({ route }: Labels, { backend }: AliasContext) => [
    backend === 'pd' ? 'decode' : 'regular',
    endpointLabel(route),
  ],
  also: ({ route }: Labels, { backend }: AliasContext) =>
    backend === 'pd' ? ['prefill', endpointLabel(route)] : undefined,
};

/** 0.3.2's words for our types of error; what it does not count as an error of its router is absent. */
const ERROR_TYPES: Readonly<Partial<Record<ErrorType, string>>> = {
  validation_error: 'validation_error',
  not_found: 'no_workers',
  no_workers: 'no_workers',
  timeout: 'timeout',
  backend_error: 'backend_error',
  internal_error: 'internal_error',
};

/** The rules of the policy manual. */
const MANUAL_BRANCHES: Labels = { no_key: 'no_routing_id', remembered: 'occupied_hit', assigned: 'vacant' };
const branchesOf =
  (policy: string, words: Labels = {}) =>
  (labels: Labels) =>
    labels.policy === policy ? [words[labels.reason ?? ''] ?? labels.reason ?? ''] : undefined;

/** The names of sglang-router 0.3.2, and of smg after it, that dashboards are built on. */
export const SMG: readonly Alias[] = [
  {
    name: 'smg_http_requests_total',
    of: ['requests'],
    labels: ['method', 'path'],
    map: ({ method = '', route = '' }) => [method, route],
  },
  {
    name: 'smg_http_request_duration_seconds',
    of: ['requestDuration'],
    labels: ['method', 'path'],
    map: ({ method = '', route = '' }) => [method, route],
  },
  {
    name: 'smg_http_responses_total',
    of: ['responses'],
    labels: ['status_code', 'error_code'],
    map: ({ status_code = '', error_code = '' }) => [status_code, error_code],
  },
  {
    name: 'smg_http_connections_active',
    help: 'Requests that have come and are not over',
    of: ['openRequests'],
    labels: [],
    map: () => [],
  },
  {
    name: 'smg_http_inflight_request_age_count',
    of: ['openRequests'],
    labels: ['gt', 'le'],
    map: ({ gt = '', le = '' }) => [gt, le],
  },
  {
    name: 'smg_http_rate_limit_total',
    help: 'Requests to models by whether the limits let them in: allowed, rejected',
    of: ['responses'],
    labels: ['result'],
    map: ({ route = '', error_code }) =>
      isInference(route) ? [error_code === 'too_many_requests' ? 'rejected' : 'allowed'] : undefined,
  },
  {
    name: 'smg_router_requests_total',
    of: ['requests'],
    labels: [...ROUTER, 'streaming'],
    map: (labels, context) => {
      const values = router(labels, context);
      return values && [...values, labels.streaming ?? ''];
    },
  },
  { name: 'smg_router_request_duration_seconds', of: ['requestDuration'], labels: ROUTER, map: router },
  {
    name: 'smg_router_generation_duration_seconds',
    of: ['requestDuration'],
    labels: ['router_type', 'backend_type', 'model', 'endpoint'],
    map: ({ model = '', route = '' }, { backend }) =>
      isInference(route) ? ['http', backend, model, endpointLabel(route)] : undefined,
  },
  {
    name: 'smg_router_request_errors_total',
    of: ['requestErrors'],
    labels: [...ROUTER, 'error_type'],
    map: (labels, context) => {
      const values = router(labels, context);
      const type = ERROR_TYPES[labels.error_type as ErrorType];
      return values && type !== undefined ? [...values, type] : undefined;
    },
  },
  {
    name: 'smg_router_upstream_responses_total',
    of: ['workerResponses'],
    labels: ['router_type', 'status_code', 'error_code'],
    map: ({ status_code = '' }) => ['http', status_code, ''],
  },
  { name: 'smg_router_ttft_seconds', of: ['ttft'], labels: ROUTER_MODEL, map: byModel },
  { name: 'smg_router_tpot_seconds', of: ['interToken'], labels: ROUTER_MODEL, map: byModel },
  {
    name: 'smg_router_tokens_total',
    help: 'Tokens as the engines counted them in their answers, by token_type: input, output',
    of: ['promptTokens', 'completionTokens'],
    labels: [...ROUTER_MODEL, 'token_type'],
    map: (labels, context, of) => [...byModel(labels, context), of === 'promptTokens' ? 'input' : 'output'],
  },
  {
    name: 'smg_worker_pool_size',
    help: 'Workers that are healthy',
    of: ['workerReady'],
    labels: [...WORKER_KIND, 'model'],
    map: kindAndModel,
  },
  {
    name: 'smg_worker_connections_active',
    of: ['workerConnections'],
    labels: WORKER_KIND,
    map: ({ role = '' }) => [role, 'http'],
  },
  { name: 'smg_worker_requests_active', of: ['running'], labels: ['worker'], map: byWorker },
  { name: 'smg_worker_routing_keys_active', of: ['stickyKeys'], labels: ['worker'], map: byWorker },
  { name: 'smg_worker_health', of: ['workerReady'], labels: ['worker'], map: byWorker },
  {
    name: 'smg_worker_health_checks_total',
    of: ['healthChecks'],
    labels: ['worker_type', 'result'],
    map: ({ role = '', result = '' }) => [role, result],
  },
  {
    name: 'smg_worker_selection_total',
    of: ['decisions'],
    labels: [...WORKER_KIND, 'model', 'policy'],
    map: (labels, context) => [...kindAndModel(labels, context), labels.policy ?? ''],
  },
  {
    name: 'smg_worker_errors_total',
    help: 'Calls to workers that failed or were answered 5xx, by error_type: timeout, backend_error',
    of: ['workerErrors', 'workerResponses'],
    labels: [...WORKER_KIND, 'error_type'],
    map: ({ role = '', error_code, status_code = '' }) => {
      if (error_code === undefined && !status_code.startsWith('5')) return undefined;
      const isLate = error_code === 'worker_timeout' || status_code === '504';
      return [role, 'http', isLate ? 'timeout' : 'backend_error'];
    },
  },
  { name: 'smg_worker_cb_state', of: ['breakerState'], labels: ['worker'], map: byWorker },
  {
    name: 'smg_worker_cb_transitions_total',
    of: ['breakerTransitions'],
    labels: ['worker', 'from', 'to'],
    map: ({ worker = '', from = '', to = '' }) => [worker, from, to],
  },
  {
    name: 'smg_worker_cb_outcomes_total',
    of: ['breakerOutcomes'],
    labels: ['worker', 'outcome'],
    map: ({ worker = '', outcome = '' }) => (outcome === 'neutral' ? undefined : [worker, outcome]),
  },
  { name: 'smg_worker_cb_consecutive_failures', of: ['breakerFailures'], labels: ['worker'], map: byWorker },
  { name: 'smg_worker_cb_consecutive_successes', of: ['breakerSuccesses'], labels: ['worker'], map: byWorker },
  { name: 'smg_worker_retries_total', of: ['retries'], ...retried },
  { name: 'smg_worker_retries_exhausted_total', of: ['retriesExhausted'], ...retried },
  {
    name: 'smg_worker_retry_backoff_seconds',
    of: ['retryBackoff'],
    labels: ['attempt'],
    map: ({ attempt = '' }) => [attempt],
  },
  {
    name: 'smg_manual_policy_cache_entries',
    help: 'Routing keys that stay with a worker',
    of: ['stickyKeys'],
    labels: [],
    map: () => [],
  },
  {
    name: 'smg_manual_policy_branch_total',
    of: ['decisions'],
    labels: ['branch'],
    map: branchesOf('manual', MANUAL_BRANCHES),
  },
  {
    name: 'smg_consistent_hashing_policy_branch_total',
    of: ['decisions'],
    labels: ['branch'],
    map: branchesOf('consistent_hashing'),
  },
  {
    name: 'smg_prefix_hash_policy_branch_total',
    of: ['decisions'],
    labels: ['branch'],
    map: branchesOf('prefix_hash'),
  },
  {
    name: 'smg_discovery_workers_discovered',
    of: ['discovered'],
    labels: ['source'],
    map: ({ source = '' }) => [source],
  },
  {
    name: 'smg_discovery_registrations_total',
    help: 'Workers that came by a source',
    of: ['discoveryChanges'],
    labels: ['source', 'result'],
    map: ({ source = '', change }) => (change === 'added' ? [source, 'success'] : undefined),
  },
  {
    name: 'smg_discovery_deregistrations_total',
    help: 'Workers that went by a source',
    of: ['discoveryChanges'],
    labels: ['source', 'reason'],
    map: ({ source = '', change }) => (change === 'removed' ? [source, 'pod_deleted'] : undefined),
  },
];
