import { setImmediate as otherWork } from 'node:timers/promises';
import Registry from 'prom-client/lib/registry.js';
import type { RequestRecord } from '../request-record.ts';
import { type AliasContext, AliasFamily } from './aliases/alias.ts';
import { FORMER } from './aliases/former.ts';
import { SMG } from './aliases/smg.ts';
import { watchEventLoop } from './event-loop.ts';
import { createFamilies, type Families } from './families.ts';
import type { Reading } from './family.ts';
import { errorTypeOf, ModelLabels, methodLabel, statusLabel } from './labels.ts';
import { OpenRequests } from './open-requests.ts';
import { watchProcess } from './process.ts';
import { Scrapes } from './scrapes.ts';
import type { Counter, Histogram } from './series.ts';
import type { BreakerState, Sources, WorkerGauges } from './sources.ts';
import { WorkerSeries } from './worker-series.ts';

export interface MetricsOptions {
  readonly version: string;
  /** Bounds of the duration histograms in seconds. */
  readonly durationBuckets?: readonly number[] | undefined;
  /** Which names its own numbers have: ours, those of 0.3.2, or both, which is the default. */
  readonly names?: 'both' | 'sgl_router' | 'smg';
  /** Whether requests take one worker, or a prefill and a decode server. */
  readonly backend?: AliasContext['backend'];
}

const OURS = 'sgl_router_';
/** Attempts that are told apart, as values of a label. */
const MOST_ATTEMPTS = 10;

/** What a request of one kind counts into. */
interface RequestSeries {
  readonly kind: RequestKind;
  readonly requests: Counter;
  readonly duration: Histogram;
  readonly responses: Counter;
  /** Absent where it is no error. */
  readonly errors: Counter | undefined;
}

/** Its labels. */
interface RequestKind {
  readonly route: string;
  readonly method: string;
  readonly model: string;
  readonly streams: boolean;
  readonly status: string;
  readonly errorCode: string;
}

const BREAKER_VALUES: Readonly<Record<BreakerState, number>> = { closed: 0, open: 1, half_open: 2 };

/** Everything the router counts, and the text that Prometheus reads. */
export class Metrics {
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;
  /** For who reads what is counted otherwise than as text. */
  readonly families: Families;
  /** What is counted of workers that are gone; nobody reads it. */
  readonly #unread: Families;
  readonly #gone: WorkerSeries;
  readonly #workers = new Map<string, WorkerSeries>();
  readonly #models = new ModelLabels();
  readonly #requests = new Map<string, RequestSeries>();
  /** Of the request that ended last: the next is nearly always of the same kind, and with this a request costs 0.1 µs here instead of 0.4. */
  #lastRequests: RequestSeries | undefined;
  readonly #queueWait: Histogram;
  readonly #open = new OpenRequests();
  readonly #workerModels = new Map<string, string>();
  readonly #aliases: readonly AliasFamily[];
  readonly #hasOurs: boolean;
  readonly #readProcess: () => Promise<void>;
  readonly #stop: () => void;
  readonly #scrapes = new Scrapes(() => this.render());

  constructor(options: MetricsOptions) {
    const families = createFamilies(options.durationBuckets);
    this.families = families;
    this.#unread = createFamilies();
    this.#gone = new WorkerSeries(this.#unread, '', '');
    this.#queueWait = families.queueWait.with();
    const { names = 'both', backend = 'regular' } = options;
    this.#hasOurs = names !== 'smg';
    const context = { backend, modelOf: (url: string) => this.#models.of(this.#workerModels.get(url)) };
    const aliases = [...(this.#hasOurs ? FORMER : []), ...(names === 'sgl_router' ? [] : SMG)];
    this.#aliases = aliases.map((alias) => new AliasFamily(alias, families, context));
    families.openRequests.from(() => this.#open.byAge());
    families.build.from(() => [[[options.version, process.versions.node], 1]]);
    this.#readProcess = watchProcess(families);
    this.#stop = watchEventLoop(families.eventLoopLag.with());
  }

  /** Where the gauges are read. */
  watch({ workers, inFlight, queued, connections, indexBytes, routersHeard, sources }: Sources): void {
    const families = this.families;
    const each = function* (value: (worker: WorkerGauges) => number | undefined) {
      for (const worker of workers()) {
        const number = value(worker);
        if (number !== undefined) yield [[worker.url, worker.role], number] as const;
      }
    };
    families.inFlight.from(() => [[[], inFlight()]]);
    families.queued.from(() => [[[], queued()]]);
    families.connections.from(() => [[[], connections()]]);
    families.routersHeard.from(() => [[[], routersHeard()]]);
    families.indexBytes.from(() => [indexBytes()].flatMap((bytes) => (bytes === undefined ? [] : [[[], bytes]])));
    families.running.from(() => each(({ running }) => running));
    families.workerReady.from(() => each(({ healthy }) => Number(healthy)));
    families.workerHealth.from(() => each(({ available }) => Number(available)));
    families.workerConnections.from(() => each(({ connections }) => connections));
    families.stickyKeys.from(() => each(({ stickyKeys }) => stickyKeys));
    families.breakerSuccesses.from(() => each(({ breaker }) => breaker.consecutiveSuccesses));
    families.ejected.from(() => each(({ ejected }) => Number(ejected)));
    families.breakerState.from(() => each(({ breaker }) => BREAKER_VALUES[breaker.state]));
    families.breakerFailures.from(() => each(({ breaker }) => breaker.consecutiveFailures));
    families.treeSize.from(() => each(({ indexBlocks }) => indexBlocks));
    families.discoveryStale.from(() => [...sources()].map(({ name, stale }) => [[name], secondsSince(stale?.sinceMs)]));
    families.discovered.from(() => [...sources()].map(({ name, names }) => [[name], names]));
    families.discoveryChanges.from(() =>
      [...sources()].flatMap(({ name, added, removed }) => [
        [[name, 'added'], added],
        [[name, 'removed'], removed],
      ]),
    );
    families.workers.from(() => countStates(workers()));
  }

  /** A worker is there, and serves that model as far as is known: it is counted from now on. */
  addWorker(url: string, role: string, model?: string): void {
    if (model !== undefined) this.#workerModels.set(url, model);
    if (!this.#workers.has(url)) this.#workers.set(url, new WorkerSeries(this.families, url, role));
  }

  /** A worker is gone: so are its series. Requests still on their way there count for nobody. */
  removeWorker(url: string): void {
    this.#workers.get(url)?.retire(this.#unread);
    this.#workers.delete(url);
    this.#drop('worker', url);
    this.#workerModels.delete(url);
  }

  worker(url: string): WorkerSeries {
    return this.#workers.get(url) ?? this.#gone;
  }

  /** The models that workers serve now, for the label `model`. */
  serve(models: Iterable<string>): void {
    for (const gone of this.#models.serve(models)) {
      this.#drop('model', gone);
      for (const worker of this.#workers.values()) worker.forget(gone);
      this.#requests.clear();
      this.#lastRequests = undefined;
    }
  }

  /** An attempt after the first begins, after a wait. */
  retried({ route, attempts }: RequestRecord, waitedMs: number): void {
    this.families.retries.with(route).inc();
    this.families.retryBackoff.with(String(Math.min(attempts, MOST_ATTEMPTS))).observe(waitedMs / 1000);
  }

  /** The last allowed attempt failed too. */
  retriesExhausted({ route }: RequestRecord): void {
    this.families.retriesExhausted.with(route).inc();
  }

  /** Requests for the recorded trace were written, or left out. */
  recorded(result: 'written' | 'dropped', requests: number): void {
    this.families.recorded.with(result).inc(requests);
  }

  /** A request has come; `ended` follows. */
  began({ startedMs }: RequestRecord): void {
    this.#open.began(startedMs);
  }

  /** A request has ended. */
  ended(record: RequestRecord): void {
    const { route, streams, errorCode = '' } = record;
    this.#open.ended(record.startedMs);
    const method = methodLabel(record.method, record.status);
    const model = this.#models.of(record.model);
    const status = statusLabel(record.status, record.clientLeft);
    const series = this.#requestSeries({ route, method, model, streams, status, errorCode });
    series.requests.inc();
    series.duration.observe(record.totalMs / 1000);
    series.responses.inc();
    series.errors?.inc();
    if (record.worker === undefined) return;
    this.#queueWait.observe(record.queueMs / 1000);
    countAnswer(record, this.worker(record.worker).of(model));
  }

  /** What `render` gives, as bytes; the same for all who ask together. */
  scrape(): Promise<Buffer> {
    return this.#scrapes.next();
  }

  /** The whole in Prometheus' text format. Other work goes on between its parts: with 1,000 workers it is 5 MB, 150 ms of work. */
  async render(): Promise<string> {
    await this.#readProcess();
    const texts: string[] = [];
    for (const family of this.#all()) {
      let isFirst = true;
      for (const reading of family.readings()) {
        const text = await textOf(reading);
        texts.push(isFirst ? text : withoutHeader(text));
        isFirst = false;
        if (reading.values.length > 0) await otherWork();
      }
    }
    return texts.join('');
  }

  *#all(): Iterable<{ readings(): Iterable<Reading> }> {
    for (const family of Object.values(this.families)) {
      if (this.#hasOurs || !family.name.startsWith(OURS)) yield family;
    }
    yield* this.#aliases;
  }

  #drop(label: string, value: string): void {
    for (const alias of this.#aliases) alias.dropping(label, value);
    for (const family of Object.values(this.families)) family.drop(label, value);
  }

  close(): void {
    this.#stop();
  }

  #requestSeries(kind: RequestKind): RequestSeries {
    if (this.#lastRequests && isSame(this.#lastRequests.kind, kind)) return this.#lastRequests;
    const { route, method, model, streams, status, errorCode } = kind;
    const key = `${streams ? 's' : ''}${method} ${route} ${status} ${errorCode} ${model}`;
    let series = this.#requests.get(key);
    if (!series) {
      const { requests, requestDuration, responses, requestErrors } = this.families;
      const errorType = errorTypeOf(status, errorCode);
      series = {
        kind,
        requests: requests.with(route, method, model, String(streams)),
        duration: requestDuration.with(route, method, model),
        responses: responses.with(route, status, errorCode),
        errors: errorType === undefined ? undefined : requestErrors.with(route, model, errorType),
      };
      this.#requests.set(key, series);
    }
    this.#lastRequests = series;
    return series;
  }
}

function isSame(one: RequestKind, other: RequestKind): boolean {
  return (
    one.route === other.route &&
    one.method === other.method &&
    one.model === other.model &&
    one.streams === other.streams &&
    one.status === other.status &&
    one.errorCode === other.errorCode
  );
}

function countAnswer(record: RequestRecord, series: ReturnType<WorkerSeries['of']>): void {
  const { promptTokens, completionTokens, cachedTokens, matchedBytes, promptBytes } = record;
  if (record.streams && record.firstByteMs !== undefined && record.errorEvent === undefined)
    series.ttft.observe(record.firstByteMs / 1000);
  if (completionTokens !== undefined) series.completionTokens.inc(completionTokens);
  if (promptTokens === undefined) return;
  series.promptTokens.inc(promptTokens);
  if (cachedTokens === undefined) return;
  series.cacheQueried.inc(promptTokens);
  series.cacheHit.inc(cachedTokens);
  if (promptBytes > 0) series.cachePredicted.inc(promptTokens * Math.min(1, matchedBytes / promptBytes));
}

function secondsSince(unixMs: number | undefined): number {
  return unixMs === undefined ? 0 : (Date.now() - unixMs) / 1000;
}

function countStates(workers: Iterable<WorkerGauges>) {
  const counts = new Map<string, [[string, string], number]>();
  for (const { role, state } of workers) {
    const key = `${role} ${state}`;
    const entry = counts.get(key) ?? [[role, state], 0];
    entry[1]++;
    counts.set(key, entry);
  }
  return counts.values();
}

async function textOf(reading: Reading): Promise<string> {
  const registry = new Registry();
  registry.registerMetric({ name: reading.name, get: () => reading } as never);
  return registry.metrics();
}

/** A part of a metric whose help and type are written already. */
function withoutHeader(text: string): string {
  return text.slice(text.indexOf('\n', text.indexOf('\n') + 1) + 1);
}
