type MetricType = 'counter' | 'gauge' | 'histogram';

/** One metric: everything that is said of it anywhere. */
export interface MetricRow {
  readonly name: string;
  readonly type: MetricType;
  /** What one unit of its value is; absent where it counts what its name says. */
  readonly unit?: 'seconds' | 'bytes' | 'tokens';
  readonly labels: readonly string[];
  readonly help: string;
  /** Upper bounds of a histogram, rising. */
  readonly buckets?: readonly number[];
  /** A counter that somebody else keeps: read when it is asked for, as all gauges are. */
  readonly read?: true;
}

/** Those of 0.3.2, and beyond to the default of `--request-timeout-secs`. */
const DURATION_SECS = [
  0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 45, 60, 90, 120, 180, 240, 600,
];
const TTFT_SECS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80];
const GAP_SECS = [0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1, 5];
const QUEUE_SECS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const LAG_SECS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5];

const WORKER = ['worker', 'role'] as const;
const WORKER_MODEL = [...WORKER, 'model'] as const;

/** Every metric of the router, once. From this table come registration, docs/metrics.md and the aliases. */
export const METRICS = {
  requests: {
    name: 'sgl_router_requests_total',
    type: 'counter',
    labels: ['route', 'method', 'model', 'streaming'],
    help: 'Requests, counted when they end',
  },
  requestDuration: {
    name: 'sgl_router_request_duration_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: ['route', 'method', 'model'],
    help: 'From the head of a request to the last byte of its answer',
    buckets: DURATION_SECS,
  },
  responses: {
    name: 'sgl_router_http_responses_total',
    type: 'counter',
    labels: ['route', 'status_code', 'error_code'],
    help: 'Answers; status 499 where the client left first, error_code where the router made or ended the answer itself',
  },
  requestErrors: {
    name: 'sgl_router_request_errors_total',
    type: 'counter',
    labels: ['route', 'model', 'error_type'],
    help: 'Requests that ended in an error, whoever made it; clients that left are none',
  },
  openRequests: {
    name: 'sgl_router_open_requests',
    type: 'gauge',
    labels: ['gt', 'le'],
    help: 'Requests that have come and are not over, by their age in seconds: above gt, le at most',
  },
  inFlight: {
    name: 'sgl_router_requests_in_flight',
    type: 'gauge',
    labels: [],
    help: 'Requests that hold a place under --max-concurrent-requests',
  },
  queued: {
    name: 'sgl_router_requests_queued',
    type: 'gauge',
    labels: [],
    help: 'Requests that wait for a place',
  },
  queueWait: {
    name: 'sgl_router_queue_wait_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: [],
    help: 'Time in the queue of requests that reached a worker',
    buckets: QUEUE_SECS,
  },
  connections: {
    name: 'sgl_router_client_connections',
    type: 'gauge',
    labels: [],
    help: 'Open connections of clients',
  },
  ttft: {
    name: 'sgl_router_ttft_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: WORKER_MODEL,
    help: 'From the head of a request to the first byte of its streamed answer',
    buckets: TTFT_SECS,
  },
  interToken: {
    name: 'sgl_router_inter_token_latency_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: WORKER,
    help: 'Between two chunks of a streamed answer; engines send a chunk for each decode step',
    buckets: GAP_SECS,
  },
  promptTokens: {
    name: 'sgl_router_prompt_tokens_total',
    type: 'counter',
    unit: 'tokens',
    labels: WORKER_MODEL,
    help: 'Prompt tokens, as the engines counted them in their answers',
  },
  completionTokens: {
    name: 'sgl_router_completion_tokens_total',
    type: 'counter',
    unit: 'tokens',
    labels: WORKER_MODEL,
    help: 'Generated tokens, as the engines counted them in their answers',
  },
  cacheQueried: {
    name: 'sgl_router_cache_queried_tokens_total',
    type: 'counter',
    unit: 'tokens',
    labels: WORKER_MODEL,
    help: 'Prompt tokens of answers that tell their cached tokens: what hit and predicted tokens are a share of',
  },
  cachePredicted: {
    name: 'sgl_router_cache_predicted_tokens_total',
    type: 'counter',
    unit: 'tokens',
    labels: WORKER_MODEL,
    help: 'Those of them that the policy predicted to be cached at the worker',
  },
  cacheHit: {
    name: 'sgl_router_cache_hit_tokens_total',
    type: 'counter',
    unit: 'tokens',
    labels: WORKER_MODEL,
    help: 'Those of them that were cached, as the engine says',
  },
  decisions: {
    name: 'sgl_router_policy_decisions_total',
    type: 'counter',
    labels: ['policy', ...WORKER, 'reason'],
    help: 'Choices of a worker, by the rule that decided',
  },
  processed: {
    name: 'sgl_router_processed_requests_total',
    type: 'counter',
    labels: WORKER,
    help: 'Times a worker was asked',
  },
  running: {
    name: 'sgl_router_running_requests',
    type: 'gauge',
    labels: WORKER,
    help: 'Requests in flight at a worker',
  },
  workerConnections: {
    name: 'sgl_router_worker_connections',
    type: 'gauge',
    labels: WORKER,
    help: 'Open connections to a worker',
  },
  stickyKeys: {
    name: 'sgl_router_sticky_keys',
    type: 'gauge',
    labels: WORKER,
    help: 'Routing keys whose requests go to a worker (policy manual)',
  },
  workerResponses: {
    name: 'sgl_router_worker_responses_total',
    type: 'counter',
    labels: [...WORKER, 'status_code'],
    help: 'Answers of a worker, those that were tried again elsewhere included; a stream that begins with an error has its status',
  },
  workerErrors: {
    name: 'sgl_router_worker_errors_total',
    type: 'counter',
    labels: [...WORKER, 'error_code'],
    help: 'Calls to a worker that failed without an answer',
  },
  errorEvents: {
    name: 'sgl_router_upstream_error_events_total',
    type: 'counter',
    labels: [...WORKER, 'status_code'],
    help: 'Error events in streams of a worker, whose HTTP status was 200, by the status that they stand for',
  },
  midstreamErrors: {
    name: 'sgl_router_upstream_midstream_errors_total',
    type: 'counter',
    labels: WORKER,
    help: 'Answers of a worker that broke off after the client had part of them',
  },
  workerHealth: {
    name: 'sgl_router_worker_health',
    type: 'gauge',
    labels: WORKER,
    help: '1 where a worker may receive requests, else 0',
  },
  workerReady: {
    name: 'sgl_router_worker_ready',
    type: 'gauge',
    labels: WORKER,
    help: "1 where a worker is healthy and takes the router's key, whatever its circuit breaker, else 0",
  },
  workers: {
    name: 'sgl_router_workers',
    type: 'gauge',
    labels: ['role', 'state'],
    help: 'Workers by where they stand: starting, ready, unhealthy, failed, draining',
  },
  discoveryStale: {
    name: 'sgl_router_discovery_stale_seconds',
    type: 'gauge',
    unit: 'seconds',
    labels: ['source'],
    help: 'Since when a source of workers cannot say which there are (file, kubernetes, dns); 0 while it can',
  },
  discovered: {
    name: 'sgl_router_discovery_workers',
    type: 'gauge',
    labels: ['source'],
    help: 'Workers that a source names now',
  },
  discoveryChanges: {
    name: 'sgl_router_discovery_changes_total',
    type: 'counter',
    labels: ['source', 'change'],
    help: 'Workers that came by a source, and went by it: added, removed',
    read: true,
  },
  healthChecks: {
    name: 'sgl_router_worker_health_checks_total',
    type: 'counter',
    labels: [...WORKER, 'result'],
    help: 'Health checks by result: success, failure',
  },
  retries: {
    name: 'sgl_router_retries_total',
    type: 'counter',
    labels: ['route'],
    help: 'Attempts after the first',
  },
  retriesExhausted: {
    name: 'sgl_router_retries_exhausted_total',
    type: 'counter',
    labels: ['route'],
    help: 'Requests whose last allowed attempt failed too',
  },
  retryBackoff: {
    name: 'sgl_router_retry_backoff_duration_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: ['attempt'],
    help: 'Waits before another attempt',
    buckets: DURATION_SECS,
  },
  breakerState: {
    name: 'sgl_router_cb_state',
    type: 'gauge',
    labels: WORKER,
    help: "A worker's circuit breaker: 0 closed, 1 open, 2 half open",
  },
  breakerTransitions: {
    name: 'sgl_router_cb_state_transitions_total',
    type: 'counter',
    labels: [...WORKER, 'from', 'to'],
    help: 'Changes of that state',
  },
  breakerOutcomes: {
    name: 'sgl_router_cb_outcomes_total',
    type: 'counter',
    labels: [...WORKER, 'outcome'],
    help: 'What calls told the breaker: success, failure, neutral',
  },
  breakerFailures: {
    name: 'sgl_router_cb_consecutive_failures',
    type: 'gauge',
    labels: WORKER,
    help: 'Failures in a row, as the breaker counts them',
  },
  breakerSuccesses: {
    name: 'sgl_router_cb_consecutive_successes',
    type: 'gauge',
    labels: WORKER,
    help: 'Successes in a row, as the breaker counts them',
  },
  ejected: {
    name: 'sgl_router_worker_ejected',
    type: 'gauge',
    labels: WORKER,
    help: '1 where a worker was taken out because its errors stand out against those of its peers, else 0',
  },
  ejections: {
    name: 'sgl_router_worker_ejections_total',
    type: 'counter',
    labels: [...WORKER, 'route'],
    help: 'How often a worker was taken out for that, by the requests that it failed',
  },
  indexBytes: {
    name: 'sgl_router_prefix_index_bytes',
    type: 'gauge',
    unit: 'bytes',
    labels: [],
    help: 'Memory of the prefix index',
  },
  routersHeard: {
    name: 'sgl_router_routers_heard',
    type: 'gauge',
    labels: [],
    help: 'Other routers before the same workers that tell this one what they choose',
  },
  treeSize: {
    name: 'sgl_router_tree_size',
    type: 'gauge',
    labels: WORKER,
    help: 'Blocks of prompts that the prefix index has for a worker',
  },
  recorded: {
    name: 'sgl_router_trace_requests_total',
    type: 'counter',
    labels: ['result'],
    help: 'Requests for the trace of --record-trace: written, or dropped because the disk did not take them',
  },
  eventLoopLag: {
    name: 'sgl_router_event_loop_lag_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: [],
    help: 'By how much timers of the router were late; sampled 20 times a second',
    buckets: LAG_SECS,
  },
  build: {
    name: 'sgl_router_build_info',
    type: 'gauge',
    labels: ['version', 'node_version'],
    help: 'Always 1',
  },
  cpu: {
    name: 'process_cpu_seconds_total',
    type: 'counter',
    unit: 'seconds',
    labels: [],
    help: 'CPU time of the router, user and system',
    read: true,
  },
  residentMemory: {
    name: 'process_resident_memory_bytes',
    type: 'gauge',
    unit: 'bytes',
    labels: [],
    help: 'Memory of the router that is in RAM',
  },
  heapUsed: {
    name: 'nodejs_heap_size_used_bytes',
    type: 'gauge',
    unit: 'bytes',
    labels: [],
    help: 'JavaScript heap in use',
  },
  externalMemory: {
    name: 'nodejs_external_memory_bytes',
    type: 'gauge',
    unit: 'bytes',
    labels: [],
    help: 'Memory of buffers outside the heap',
  },
  openFds: {
    name: 'process_open_fds',
    type: 'gauge',
    labels: [],
    help: 'Open file descriptors; Linux only',
  },
  maxFds: {
    name: 'process_max_fds',
    type: 'gauge',
    labels: [],
    help: 'The most that may be open; Linux only',
  },
  startTime: {
    name: 'process_start_time_seconds',
    type: 'gauge',
    unit: 'seconds',
    labels: [],
    help: 'When the router started, in seconds since 1970',
  },
} as const satisfies Readonly<Record<string, MetricRow>>;

export type MetricKey = keyof typeof METRICS;
