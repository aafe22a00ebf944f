/** Flags of smg 1.13 that are none here, by what is to be done instead; those of the same name, and aliases, stand in the option table. */
const REFUSED: Readonly<Record<string, readonly string[]>> = {
  'write --log-format json': ['--log-json'],
  'write --workers-file FILE, whose lines are URLs, or --service-discovery': [
    ...['--discovery-provider', '--discovery-file', '--discovery-check-interval-secs'],
  ],
  'write --upload-timeout-secs, which bounds the whole upload': ['--stream-body-stall-timeout-secs'],
  'write --stream-idle-timeout-secs and --first-byte-timeout-secs; a worker that takes requests and answers nothing is found by itself':
    [...['--worker-stall-secs', '--worker-wedge-secs', '--worker-stale-secs']],
  'write --max-payload-size, which bounds what is held of a request': ['--max-buffered-request-bytes'],
  'write --queue-size, --queue-timeout-secs and --max-concurrent-requests, which hold for prefill servers too': [
    ...['--prefill-max-inflight-requests-per-worker', '--prefill-queue-size', '--prefill-queue-timeout-secs'],
    ...['--pd-admission-wait-secs', '--max-background-responses'],
  ],
  'write --control-plane-api-keys for the admin routes and --api-key for all others: there are no tenants': [
    ...['--tenant-api-key', '--trust-tenant-header', '--tenant-header-name', '--tenant-rate-limit-enabled'],
    '--tenant-rate-limit-config',
  ],
  'write --rate-limit-tokens-per-second; all requests have one priority': [
    ...['--priority-scheduler-enabled', '--priority-scheduler-default-max-class', '--priority-scheduler-config'],
    '--priority-scheduler-tenant-metric-top-n',
  ],
  'leave it out: an unhealthy worker stays and serves again when it is well; DELETE /workers/URL removes it': [
    ...['--remove-unhealthy-workers', '--no-remove-unhealthy-workers', '--worker-auto-recovery'],
    '--no-worker-auto-recovery',
  ],
  'leave it out: workers are asked for their load at a rate of their own, and those that are full get less by themselves':
    [
      ...['--load-monitor-interval', '--disable-load-monitoring', '--worker-overload-protection'],
      ...['--disable-worker-overload-protection', '--worker-overload-shed', '--worker-overload-waiting-requests'],
      ...['--worker-overload-token-usage', '--balance-token-usage-threshold', '--overload-token-usage-threshold'],
      ...['--worker-startup-delay', '--worker-warmup-secs', '--worker-warmup-share', '--worker-warmup-blocks'],
      ...['--worker-warmup-thin-ratio', '--worker-warmup-divert-every'],
    ],
  'leave it out: the policy has nothing to set there; --policy, --cache-threshold and --max-tree-size are what there is':
    [
      ...['--prefix-token-count', '--prefix-hash-load-factor', '--prefix-hash-balance-abs-threshold'],
      ...['--least-load-kv-pressure-weight', '--least-load-default-throughput', '--least-load-mean-prefill-tokens'],
      ...['--least-load-max-waiting-requests', '--power-of-two-load-metric', '--kv-index', '--selection-policy'],
      ...['--selection-accounting-ttl-ms', '--overlap-decay', '--selection-temperature', '--block-size'],
      ...['--cache-boundaries', '--cache-index', '--cache-ttl-secs', '--dp-minimum-tokens-scheduler'],
    ],
  'leave it out: the key is x-smg-routing-key, or what the client sends anyway to mark its session': [
    ...['--routing-key-override', '--routing-key-headers', '--sticky-sessions'],
  ],
  'leave it out: connections to clients and workers have bounds of their own, and probes are answered on --port at any load':
    [
      ...['--upstream-http2', '--upstream-pool-idle-timeout-secs', '--header-read-timeout-secs'],
      ...['--idle-connection-timeout-secs', '--health-check-port', '--sse-keepalive-secs'],
    ],
  'leave it out: workers tell their models themselves; one that is added by hand is told with POST /workers': [
    ...['--model-id-from', '--model-alias', '--model'],
  ],
  'leave it out: the paths that train and change servers reach all of them by the names that SGLang gives them': [
    ...['--enable-rl', '--rl-control-timeout-secs', '--rl-fanout-concurrency'],
  ],
  'leave it out: routers do not know of each other, and need not (docs/kubernetes.md)': [
    ...['--enable-mesh', '--mesh-server-name', '--mesh-host', '--mesh-advertise-host', '--mesh-port'],
    ...['--mesh-peer-urls', '--mesh-tls-ca-cert', '--mesh-tls-cert', '--mesh-tls-key', '--router-selector'],
  ],
  'leave it out: there are prefill and decode servers, and no servers that encode alone': [
    ...['--epd-disaggregation', '--encode', '--encode-policy', '--encode-selector', '--kv-connector-annotation'],
    '--kv-engine-id-annotation',
  ],
  'leave it out: requests pass byte for byte, with their images, and the servers parse and tokenize': [
    ...['--multimodal-tensor-transport', '--multimodal-shm-min-bytes', '--multimodal-max-inflight-bytes'],
    ...['--mm-per-request-image-limit', '--mm-processing', '--mm-pixel-cache-mb', '--mm-pixel-rdma'],
    ...['--mm-allowed-media-domains', '--mm-allow-private-media-hosts', '--rdma-listen-ip', '--rdma-slot-ttl-s'],
    ...['--log-mm-timing', '--disable-tokenizer-autoload', '--parser', '--tokenizer-cache-l0-max-memory'],
    '--zmq-engine-count',
  ],
  'leave it out: the router keeps no conversations and runs no plug-ins': [
    ...['--enable-wasm', '--storage-hook-wasm-path', '--storage-context-headers', '--schema-config'],
    ...['--history-memory-max-responses', '--history-memory-max-items', '--history-memory-retention-secs'],
    ...['--oracle-external-auth', '--postgres-op-timeout-secs', '--redis-op-timeout-secs'],
  ],
  'leave it out: there is no such queue or allocator here': [
    ...['--job-queue-capacity', '--job-queue-concurrency', '--jemalloc-prof-dir'],
  ],
};

/** Flag of smg 1.13 → what to do instead. */
export const SMG_FLAGS: ReadonlyMap<string, string> = new Map(
  Object.entries(REFUSED).flatMap(([instead, flags]) => flags.map((flag) => [flag, instead] as const)),
);

const INTRO = `# Coming from smg 1.13

Generated from \`src/config/smg.ts\`: do not edit, run \`npm run generate\`.

\`smg launch FLAGS\` is \`sglang-router launch FLAGS\` here, and \`smg\` is a name of the same program. Flags that are not in this table have the
same name, or the alias that [options.md](options.md) lists, and mean the same; what differs in how they work is told in
[migrating.md](migrating.md). Flags in the table are refused at start with what it says. \`--policy passthrough\` is \`--policy round_robin\`. Where smg starts
servers (\`smg serve\`), here \`sglang-launch --model-path MODEL --dp-size N\` does.

| Flag of smg | Here |
| --- | --- |`;

/** docs/migrating-from-smg.md. */
export function smgDocument(): string {
  const rows = Object.entries(REFUSED).map(
    ([instead, flags]) => `| ${flags.map((flag) => `\`${flag}\``).join(' ')} | ${instead} |`,
  );
  return `${[INTRO, ...rows].join('\n')}\n`;
}
