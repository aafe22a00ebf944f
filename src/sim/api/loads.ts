import type { EngineLoad } from '../engine.ts';
import type { Rank } from '../rank.ts';
import { type ApiCall, sendJson, sendText } from './api-call.ts';
import type { SimContext } from './context.ts';
import { SGLANG_VERSION } from './info.ts';

/** Name in `include` → key of the section. */
const SECTIONS: Readonly<Record<string, 'memory' | 'disaggregation' | 'queues'>> = {
  memory: 'memory',
  disagg: 'disaggregation',
  queues: 'queues',
};
/** Known to a real server; there is nothing of them here. */
const EMPTY_SECTIONS: readonly string[] = ['core', 'spec', 'lora'];
/** Key of a section → what its fields start with in the Prometheus format. */
const PROMETHEUS_PREFIX: Readonly<Record<string, string>> = { disaggregation: 'disagg' };

type Load = Readonly<Record<string, unknown>>;

/** GET /v1/loads?include=&dp_rank=&format=: one entry for each rank. */
export function loads(context: SimContext, { response, query }: ApiCall): void {
  const names = (query.get('include') ?? 'all').split(',');
  const unknown = names.find((name) => name !== 'all' && !(name in SECTIONS) && !EMPTY_SECTIONS.includes(name));
  if (unknown !== undefined) {
    sendText(response, 500, 'Internal Server Error', 'text/plain; charset=utf-8');
    return;
  }
  const keep = names.includes('all') ? Object.values(SECTIONS) : names.map((name) => SECTIONS[name]);
  const only = query.get('dp_rank');
  const ranks = context.ranks
    .filter(({ index }) => only === null || only === String(index))
    .map((rank) => loadOf(context, rank, keep));
  if (query.get('format') === 'prometheus') {
    sendText(response, 200, prometheus(ranks), 'text/plain; version=0.0.4; charset=utf-8');
    return;
  }
  sendJson(response, 200, {
    timestamp: new Date(context.clock.epochMs()).toISOString().replace('Z', '000+00:00'),
    version: SGLANG_VERSION,
    accelerator: null,
    num_accelerators: context.ranks.length,
    loads: ranks,
  });
}

/** GET /get_load: what SGLang had before /v1/loads. */
export function getLoad(context: SimContext, { response }: ApiCall): void {
  const loads = context.ranks.map(({ index, engine: { load } }) => ({
    dp_rank: index,
    num_reqs: load.running + waitingOf(context, load),
    num_waiting_reqs: waitingOf(context, load),
    num_tokens: load.usedTokens + load.waitingTokens,
  }));
  sendJson(response, 200, loads);
}

/** Prompts on their way to a decode server count as waiting there, but no longer at the prefill server. */
function waitingOf({ options }: SimContext, { waiting, held, handing }: EngineLoad): number {
  return waiting + held + (options.disaggregationMode === 'decode' ? handing : 0);
}

function loadOf(context: SimContext, { index, engine, stats }: Rank, keep: readonly unknown[]): Load {
  const { options, clock } = context;
  const mode = options.disaggregationMode;
  const load = engine.load;
  const total = load.usedTokens + load.waitingTokens;
  const sections: Record<string, Load> = {
    memory: { weight_gb: 0, kv_cache_gb: 0, graph_gb: 0, token_capacity: options.maxTotalTokens },
    disaggregation: {
      mode,
      prefill_bootstrap_queue_reqs: load.held,
      prefill_inflight_queue_reqs: mode === 'prefill' ? load.handing : 0,
      decode_prealloc_queue_reqs: mode === 'decode' ? load.waiting : 0,
      decode_transfer_queue_reqs: mode === 'decode' ? load.handing : 0,
      decode_retracted_queue_reqs: 0,
      kv_transfer_speed_gb_s: 0,
      kv_transfer_latency_ms: 0,
    },
    queues: { waiting: mode === 'decode' ? 0 : load.waiting, grammar: 0, paused: 0, retracted: 0, prealloc_ready: 0 },
  };
  return {
    timestamp: clock.epochMs() / 1000,
    dp_rank: index,
    num_running_reqs: load.running,
    num_waiting_reqs: waitingOf(context, load),
    num_waiting_uncached_tokens: load.waitingUncachedTokens,
    num_used_tokens: load.usedTokens,
    num_total_tokens: total,
    num_active_tokens: total,
    num_prealloc_ready_tokens: 0,
    max_total_num_tokens: options.maxTotalTokens,
    max_running_requests: options.maxRunningRequests,
    token_usage: Math.round((load.usedTokens / options.maxTotalTokens) * 10_000) / 10_000,
    gen_throughput: Math.round(stats.genThroughput * 100) / 100,
    cache_hit_rate: stats.cacheHitRate,
    utilization: 0,
    total_prefill_uncached_tokens: stats.prefillTokens,
    total_prefill_busy_us: Math.round(stats.prefillMs * 1000),
    decode_moments: stats.decodeMoments[0] ? stats.decodeMoments : null,
    ...Object.fromEntries(Object.entries(sections).filter(([name]) => keep.includes(name))),
  };
}

/** Numbers only, sections flattened, as SGLang writes them: `sglang_<field>{dp_rank="0"} value`. */
function prometheus(ranks: readonly Load[]): string {
  const lines: string[] = [];
  const add = (name: string, rank: unknown, value: unknown) => {
    if (typeof value !== 'number' || name === 'dp_rank') return;
    lines.push(`# TYPE sglang_${name} gauge`, `sglang_${name}{dp_rank="${rank}"} ${value}`);
  };
  for (const load of ranks) {
    for (const [name, value] of Object.entries(load)) {
      add(name, load.dp_rank, value);
      if (typeof value !== 'object' || value === null || Array.isArray(value)) continue;
      for (const [inner, number] of Object.entries(value)) {
        add(`${PROMETHEUS_PREFIX[name] ?? name}_${inner}`, load.dp_rank, number);
      }
    }
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}
