import type { Histogram } from '../histogram.ts';
import type { RequestTotals } from '../stats.ts';
import { type SimContext, servedName } from './context.ts';
import { type Exchange, sendText } from './exchange.ts';

/** GET /metrics: SGLang's names and labels, of those metrics that a simulated engine really has. */
export function metrics(context: SimContext, { response }: Exchange): void {
  const page = new Page(servedName(context));
  addRequests(page, context);
  addScheduler(page, context);
  addHttp(page, context);
  sendText(response, 200, page.text, 'text/plain; version=0.0.4; charset=utf-8');
}

/** Prometheus text under way. */
class Page {
  readonly #engine: string;
  text = '';

  constructor(model: string) {
    this.#engine = `engine_type="unified",model_name="${model.replace(/["\\\n]/g, '_')}"`;
  }

  /** One metric with its samples: own labels → value. */
  add(name: string, type: 'counter' | 'gauge', samples: Iterable<readonly [string, number]>): void {
    this.text += `# TYPE sglang:${name} ${type}\n`;
    for (const [labels, value] of samples) this.text += `sglang:${name}{${labels}} ${value}\n`;
  }

  counter(name: string, samples: Readonly<Record<string, number>>): void {
    const labelled = Object.entries(samples).map(([labels, value]) => [this.#with(labels), value] as const);
    this.add(name, 'counter', labelled);
  }

  /** A figure of the scheduler, which has ranks. */
  gauge(name: string, value: number): void {
    this.add(name, 'gauge', [[`${this.#engine},moe_ep_rank="0",pp_rank="0",tp_rank="0"`, value]]);
  }

  histogram(name: string, samples: Readonly<Record<string, Histogram>>): void {
    this.text += `# TYPE sglang:${name} histogram\n`;
    for (const [own, { bounds, counts, sum }] of Object.entries(samples)) {
      const labels = this.#with(own);
      let count = 0;
      counts.forEach((n, i) => {
        count += n;
        this.text += `sglang:${name}_bucket{${labels},le="${bounds[i] ?? '+Inf'}"} ${count}\n`;
      });
      this.text += `sglang:${name}_sum{${labels}} ${sum}\nsglang:${name}_count{${labels}} ${count}\n`;
    }
  }

  #with(labels: string): string {
    return labels === '' ? this.#engine : `${this.#engine},${labels}`;
  }
}

function addRequests(page: Page, { stats }: SimContext): void {
  const both = <T>(pick: (totals: RequestTotals) => T) => ({
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
  page.counter('cached_tokens_total', { 'cache_source="device"': stats.cachedTokens });
  page.counter('num_aborted_requests_total', { '': stats.abortedRequests });
  page.histogram(
    'time_to_first_token_seconds',
    both((totals) => totals.ttftSecs),
  );
  page.histogram(
    'e2e_request_latency_seconds',
    both((totals) => totals.e2eSecs),
  );
  page.histogram('inter_token_latency_seconds', { '': stats.itlSecs });
  page.histogram('queue_time_seconds', { '': stats.queueSecs });
}

/** The last one is not SGLang's: it tells whether the machine kept up with the simulated rate. */
function addScheduler(page: Page, { engine, stats, options }: SimContext): void {
  const load = engine.load;
  const pages = Math.floor(options.maxTotalTokens / options.pageSize);
  page.gauge('max_total_num_tokens', options.maxTotalTokens);
  page.gauge('page_size', options.pageSize);
  page.gauge('num_pages', pages);
  page.gauge('context_len', options.contextLength);
  page.gauge('num_running_reqs', load.running);
  page.gauge('num_queue_reqs', load.waiting);
  page.gauge('gen_throughput', stats.genThroughput);
  page.gauge('cache_hit_rate', stats.cacheHitRate);
  page.gauge('token_usage', load.usedTokens / options.maxTotalTokens);
  page.gauge('num_used_tokens', load.usedTokens);
  page.gauge('kv_used_tokens', load.usedTokens);
  page.gauge('kv_evictable_tokens', load.idleCachedTokens);
  page.gauge('kv_available_tokens', pages * options.pageSize - load.usedTokens - load.idleCachedTokens);
  page.text += `# TYPE sim_lost_seconds_total counter\nsim_lost_seconds_total ${stats.lostMs / 1000}\n`;
}

function addHttp(page: Page, { counts }: SimContext): void {
  page.add('http_requests_active', 'gauge', counts.active);
  page.add('http_requests_total', 'counter', counts.requests);
  page.add('http_responses_total', 'counter', counts.responses);
}
