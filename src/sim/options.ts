import { decimal, GROUPS, integer, oneOf, positive, type SimOption, secondsOf, text, toggle } from './option.ts';
import { PHASES } from './phases.ts';

/** Every flag of the simulated engine, once. Parsing, help and documentation come from here. */
export const SIM_OPTIONS = {
  host: text({ flags: ['--host'], group: 'server', help: 'address to listen on' }, '127.0.0.1'),
  port: integer({ flags: ['--port'], group: 'server', help: 'port to listen on; 0 takes a free one' }, 30000),
  modelPath: text(
    { flags: ['--model-path', '--model'], group: 'server', help: 'shown as the model path; nothing is read from it' },
    'simulated',
  ),
  servedModelName: text(
    { flags: ['--served-model-name'], group: 'server', help: 'name in /v1/models; the model path if not given' },
    undefined,
  ),
  apiKey: text(
    {
      flags: ['--api-key'],
      group: 'server',
      help: 'key that requests must carry; /health, /ready and /metrics stay open',
    },
    undefined,
  ),
  isEmbedding: toggle({
    flags: ['--is-embedding'],
    group: 'server',
    help: 'be an embedding model: /v1/embeddings works, generation does not',
  }),
  enableCacheReport: toggle({
    flags: ['--enable-cache-report'],
    group: 'server',
    help: 'report cached tokens in OpenAI usage; /generate always does',
  }),
  enableMetrics: toggle({ flags: ['--enable-metrics'], group: 'server', help: 'serve /metrics' }),
  enableResponseStore: toggle({
    flags: ['--enable-response-store'],
    group: 'server',
    help: 'keep the answers of /v1/responses: previous_response_id and GET work with this engine',
  }),
  dpSize: integer(
    {
      flags: ['--dp-size', '--dp', '--data-parallel-size'],
      group: 'server',
      help: 'engines in this process, each with a queue and cache of its own',
    },
    1,
    1,
  ),
  baseGpuId: integer({ flags: ['--base-gpu-id'], group: 'server', help: 'shown in /server_info' }, 0),
  randomSeed: integer(
    {
      flags: ['--random-seed'],
      group: 'server',
      help: 'part of what decides the answers; engines with one seed answer alike',
    },
    0,
  ),

  maxTotalTokens: integer(
    { flags: ['--max-total-tokens'], group: 'memory', help: 'KV cache capacity in tokens' },
    524_288,
    1,
  ),
  pageSize: integer(
    { flags: ['--page-size'], group: 'memory', help: 'tokens in a cache page; only whole pages are shared' },
    16,
    1,
  ),
  maxRunningRequests: integer(
    { flags: ['--max-running-requests'], group: 'memory', help: 'requests scheduled at once; others wait' },
    256,
    1,
  ),
  maxQueuedRequests: integer(
    {
      flags: ['--max-queued-requests'],
      group: 'memory',
      help: 'requests that may wait; further ones are refused, streams with an error event after their 200; with 0 all are',
    },
    undefined,
  ),
  chunkedPrefillSize: integer(
    { flags: ['--chunked-prefill-size'], group: 'memory', help: 'prompt tokens computed in one step; -1: no limit' },
    2048,
    -1,
  ),
  enableMixedChunk: toggle({
    flags: ['--enable-mixed-chunk'],
    group: 'memory',
    help: 'decode in the steps that compute prompts; otherwise prompts go first',
  }),
  contextLength: integer(
    { flags: ['--context-length'], group: 'memory', help: 'most tokens of a prompt and its answer' },
    131_072,
    2,
  ),

  disaggregationMode: oneOf(
    {
      flags: ['--disaggregation-mode'],
      group: 'pair',
      help: 'do the whole work, only compute prompts, or only go on from prompts computed elsewhere',
    },
    ['null', 'prefill', 'decode'],
    'null',
  ),
  bootstrapPort: integer(
    {
      flags: ['--disaggregation-bootstrap-port'],
      group: 'pair',
      help: 'where decode servers meet this prefill server, 0 takes a free port; for a decode server where it looks if a request names none',
    },
    8998,
  ),
  enableDpAttention: toggle({
    flags: ['--enable-dp-attention'],
    group: 'pair',
    help: 'with several engines: rooms may be on the one that they imply; without it only on the first, as with SGLang',
  }),
  transferTokensPerSec: positive(
    {
      flags: ['--sim-transfer-tokens-per-sec'],
      group: 'pair',
      help: 'prompt tokens that move from prefill to decode in a second',
    },
    200_000,
  ),
  bootstrapTimeoutSecs: decimal(
    {
      flags: ['--sim-bootstrap-timeout-secs'],
      group: 'pair',
      help: 'how long a prefill server waits for the decode server of a request',
    },
    300,
  ),
  waitingTimeoutSecs: decimal(
    {
      flags: ['--sim-waiting-timeout-secs'],
      group: 'pair',
      help: 'how long a decode server waits for a prompt',
    },
    300,
  ),
  handshakeSecs: decimal(
    {
      flags: ['--sim-handshake-secs'],
      group: 'pair',
      help: 'how long a decode server tries to reach a prefill server',
    },
    14,
  ),
  heartbeatSecs: decimal(
    {
      flags: ['--sim-heartbeat-secs'],
      group: 'pair',
      help: 'time after which a decode server notices that a prefill server has gone',
    },
    5,
  ),

  profile: text(
    {
      flags: ['--sim-profile'],
      group: 'speed',
      help: 'file with the speed and the KV cache of a real engine, as bench --calibrate writes it; flags behind it change single values',
    },
    undefined,
  ),
  prefillTokensPerSec: positive(
    { flags: ['--sim-prefill-tokens-per-sec'], group: 'speed', help: 'uncached prompt tokens computed in a second' },
    8000,
  ),
  prefillBaseMs: decimal(
    {
      flags: ['--sim-prefill-base-ms'],
      group: 'speed',
      help: 'what a step that computes prompts takes beside its tokens',
    },
    0,
  ),
  prefillCachedMs: decimal(
    {
      flags: ['--sim-prefill-cached-ms'],
      group: 'speed',
      help: 'what 1,000 tokens that stand before them in the cache add to a step that computes prompts',
    },
    0,
  ),
  decodeBaseMs: decimal(
    { flags: ['--sim-decode-base-ms'], group: 'speed', help: 'time of a decode step with nothing in it' },
    6,
  ),
  decodePerRunningMs: decimal(
    { flags: ['--sim-decode-per-running-ms'], group: 'speed', help: 'what each running request adds to a decode step' },
    0.35,
  ),
  slowFactor: positive(
    {
      flags: ['--sim-slow-factor'],
      group: 'speed',
      help: 'multiplies every simulated time: 3 is an engine three times as slow',
    },
    1,
  ),
  outputTokens: integer(
    { flags: ['--sim-output-tokens'], group: 'speed', help: 'average length of answers to requests that set no limit' },
    128,
    1,
  ),
  healthSecs: decimal(
    {
      flags: ['--sim-health-secs'],
      group: 'speed',
      help: 'time that /health takes to answer; a real server needs about 1',
    },
    0,
  ),

  startupSecs: decimal(
    { flags: ['--sim-startup-secs'], group: 'startup', help: 'time from start to ready, spread over the phases' },
    0,
  ),
  startupPhases: secondsOf(
    {
      flags: ['--sim-startup-phases'],
      group: 'startup',
      help: `time of single phases (${PHASES.join(', ')}) in place of their share`,
    },
    PHASES,
  ),
  startupFail: oneOf(
    {
      flags: ['--sim-startup-fail'],
      group: 'startup',
      help: 'run out of GPU memory in this phase and exit with code 1',
    },
    PHASES,
    undefined,
  ),

  failFirst: integer(
    { flags: ['--sim-fail-first'], group: 'faults', help: 'answer the first N inference requests with an error' },
    0,
  ),
  failStatus: integer({ flags: ['--sim-fail-status'], group: 'faults', help: 'status of those errors' }, 500, 400),
  dieOnRequest: integer(
    { flags: ['--sim-die-on-request'], group: 'faults', help: 'exit with code 1 when inference request K arrives' },
    undefined,
    1,
  ),
  dieOnText: text(
    {
      flags: ['--sim-die-on-text'],
      group: 'faults',
      help: 'exit with code 1 when the body of an inference request has this in it',
    },
    undefined,
  ),
  silentRank: integer(
    {
      flags: ['--sim-silent-rank'],
      group: 'faults',
      help: 'with several engines: the one that takes requests and never answers, numbered from 0',
    },
    undefined,
  ),
  hangAfter: integer(
    {
      flags: ['--sim-hang-after'],
      group: 'faults',
      help: 'serve N inference requests, then accept further ones and stay silent',
    },
    undefined,
  ),
  hangHealth: toggle({
    flags: ['--sim-hang-health'],
    group: 'faults',
    help: 'once hanging, leave /health unanswered too',
  }),
  cutAfterTokens: integer(
    { flags: ['--sim-cut-after-tokens'], group: 'faults', help: 'cut the connection of every stream after K tokens' },
    undefined,
    1,
  ),

  exitWithParent: toggle({ flags: ['--exit-with-parent'], group: 'process', help: 'end when standard input closes' }),
} as const satisfies Record<string, SimOption>;

type Table = typeof SIM_OPTIONS;

/** The value of every option. */
export type SimOptions = { readonly [K in keyof Table]: Table[K] extends SimOption<infer T> ? T : never };

/** All options in the order of their groups, with the group's heading. */
export function simOptionGroups(): { readonly heading: string; readonly options: readonly SimOption[] }[] {
  const all: readonly SimOption[] = Object.values(SIM_OPTIONS);
  return Object.entries(GROUPS).map(([name, heading]) => ({
    heading,
    options: all.filter((option) => option.group === name),
  }));
}

function usageOf({ flags, metavar }: SimOption): string {
  return `${flags.join(', ')}${metavar === undefined ? '' : ` ${metavar}`}`;
}

/** The options as Markdown tables for the documentation. */
export function renderSimOptions(): string {
  const tables = simOptionGroups().map(({ heading, options }) => {
    const rows = options.map((option) => {
      const fallback =
        option.default === undefined ? 'none' : option.metavar === undefined ? 'off' : `\`${option.default}\``;
      return `| \`${usageOf(option).replaceAll('|', '\\|')}\` | ${fallback} | ${option.help} |`;
    });
    return [`### ${heading}`, '', '| flag | default | what it does |', '|---|---|---|', ...rows].join('\n');
  });
  return `${tables.join('\n\n')}\n`;
}
