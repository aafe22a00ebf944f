import type { EngineLoad } from '../engine.ts';
import type { Histogram } from '../histogram.ts';
import type { EngineStats, RequestTotals } from '../stats.ts';
import { type ApiCall, sendText } from './api-call.ts';
import { type SimContext, servedName } from './context.ts';

/** GET /metrics: SGLang's names and labels, of those metrics that a simulated engine really has. */
export function metrics(context: SimContext, { response }: ApiCall): void {
  const page = new Page(context);
  addRequests(page);
  addScheduler(page, context);
  addPair(page, context);
  addHttp(page, context);
  sendText(response, 200, page.text, 'text/plain; version=0.0.4; charset=utf-8');
}

/** One rank at this moment. */
interface Sight {
  readonly index: number;
  readonly load: EngineLoad;
  readonly stats: EngineStats;
}

/** Own labels → value, of one rank. */
type Samples<T> = (rank: Sight) => Readonly<Record<string, T>>;

/** Prometheus text under way. */
class Page {
  readonly #ranks: readonly Sight[];
  readonly #engine: string;
  text = '';

  constructor(context: SimContext) {
    const mode = context.options.disaggregationMode;
    const model = servedName(context).replace(/["\\\n]/g, '_');
    this.#ranks = context.ranks.map(({ index, engine, stats }) => ({ index, stats, load: engine.load }));
    this.#engine = `engine_type="${mode === 'null' ? 'unified' : mode}",model_name="${model}"`;
  }

  /** One metric with its samples: all their labels → value. */
  add(name: string, type: 'counter' | 'gauge', samples: Iterable<readonly [string, number]>): void {
    this.text += `# TYPE sglang:${name} ${type}\n`;
    for (const [labels, value] of samples) this.text += `sglang:${name}{${labels}} ${value}\n`;
  }

  counter(name: string, samples: Samples<number>): void {
    this.add(name, 'counter', this.#labelled(samples));
  }

  /** A figure of the scheduler. */
  gauge(name: string, value: (rank: Sight) => number): void {
    const labels = 'moe_ep_rank="0",pp_rank="0",tp_rank="0"';
    const samples = this.#labelled((rank) => ({ [labels]: value(rank) }));
    this.add(name, 'gauge', samples);
  }

  histogram(name: string, samples: Samples<Histogram>): void {
    this.text += `# TYPE sglang:${name} histogram\n`;
    for (const [labels, { bounds, counts, sum }] of this.#labelled(samples)) {
      let count = 0;
      counts.forEach((n, i) => {
        count += n;
        this.text += `sglang:${name}_bucket{${labels},le="${bounds[i] ?? '+Inf'}"} ${count}\n`;
      });
      this.text += `sglang:${name}_sum{${labels}} ${sum}\nsglang:${name}_count{${labels}} ${count}\n`;
    }
  }

  #labelled<T>(samples: Samples<T>): [string, T][] {
    return this.#ranks.flatMap((rank) =>
      Object.entries(samples(rank)).map(([own, value]): [string, T] => [this.#labels(rank, own), value]),
    );
  }

  #labels({ index }: Sight, own: string): string {
    const rank = this.#ranks.length > 1 ? `,dp_rank="${index}"` : '';
    return `${this.#engine}${rank}${own === '' ? '' : `,${own}`}`;
  }
}

function addRequests(page: Page): void {
  const both =
    <T>(pick: (totals: RequestTotals) => T): Samples<T> =>
    ({ stats }) => ({
      'is_streaming="false"': pick(stats.whole),
      'is_streaming="true"': pick(stats.streamed),
    });
  page.counter(
    'prompt_tokens_total',
    both((totals) => totals.promptTokens),
  );
  page.counter(
    'generation_tokens_total',
    both((totals) => totals.generatedTokens),
  );
  page.counter(
    'num_requests_total',
    both((totals) => totals.requests),
  );
  page.counter('cached_tokens_total', ({ stats }) => ({ 'cache_source="device"': stats.cachedTokens }));
  page.counter('num_aborted_requests_total', ({ stats }) => ({ '': stats.abortedRequests }));
  page.histogram(
    'time_to_first_token_seconds',
    both((totals) => totals.ttftSecs),
  );
  page.histogram(
    'e2e_request_latency_seconds',
    both((totals) => totals.e2eSecs),
  );
  page.histogram('inter_token_latency_seconds', ({ stats }) => ({ '': stats.itlSecs }));
  page.histogram('queue_time_seconds', ({ stats }) => ({ '': stats.queueSecs }));
}

/** The last one is not SGLang's: it tells whether the machine kept up with the simulated rate. */
function addScheduler(page: Page, { ranks, options }: SimContext): void {
  const pages = Math.floor(options.maxTotalTokens / options.pageSize);
  page.gauge('max_total_num_tokens', () => options.maxTotalTokens);
  page.gauge('page_size', () => options.pageSize);
  page.gauge('num_pages', () => pages);
  page.gauge('context_len', () => options.contextLength);
  page.gauge('num_running_reqs', ({ load }) => load.running);
  page.gauge('num_queue_reqs', ({ load }) => load.waiting);
  page.gauge('gen_throughput', ({ stats }) => stats.genThroughput);
  page.gauge('cache_hit_rate', ({ stats }) => stats.cacheHitRate);
  page.gauge('token_usage', ({ load }) => load.usedTokens / options.maxTotalTokens);
  page.gauge('num_used_tokens', ({ load }) => load.usedTokens);
  page.gauge('kv_used_tokens', ({ load }) => load.usedTokens);
  page.gauge('kv_evictable_tokens', ({ load }) => load.idleCachedTokens);
  page.gauge('kv_available_tokens', ({ load }) => pages * options.pageSize - load.usedTokens - load.idleCachedTokens);
  const lostMs = ranks.reduce((sum, { stats }) => sum + stats.lostMs, 0);
  page.text += `# TYPE sim_lost_seconds_total counter\nsim_lost_seconds_total ${lostMs / 1000}\n`;
}

/** Of a pair of servers; the rooms are not SGLang's. */
function addPair(page: Page, { options, rendezvous }: SimContext): void {
  if (options.disaggregationMode === 'decode') {
    page.gauge('num_decode_prealloc_queue_reqs', ({ load }) => load.waiting);
    page.gauge('num_decode_transfer_queue_reqs', ({ load }) => load.handing);
  }
  if (!rendezvous) return;
  page.gauge('num_prefill_bootstrap_queue_reqs', ({ load }) => load.held);
  page.gauge('num_prefill_inflight_queue_reqs', ({ load }) => load.handing);
  page.text += `# TYPE sim_open_rooms gauge\nsim_open_rooms ${rendezvous.openRooms}\n`;
  page.text += `# TYPE sim_duplicate_rooms_total counter\nsim_duplicate_rooms_total ${rendezvous.duplicates}\n`;
}

function addHttp(page: Page, { counts }: SimContext): void {
  page.add('http_requests_active', 'gauge', counts.active);
  page.add('http_requests_total', 'counter', counts.requests);
  page.add('http_responses_total', 'counter', counts.responses);
}
