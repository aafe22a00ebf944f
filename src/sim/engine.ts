import type { Finish } from './answer.ts';
import type { PrefixCache } from './cache.ts';
import type { Clock } from './clock.ts';
import { type CostModel, decodeMs, prefillMs } from './cost.ts';
import type { Job } from './job.ts';
import type { EngineStats } from './stats.ts';

export interface EngineSettings {
  readonly cost: CostModel;
  /** Prompt tokens computed in one step at most. */
  readonly chunkTokens: number;
  readonly maxRunning: number;
  /** Compute prompt chunks and decode in the same step; otherwise prompts go first and decoding waits. */
  readonly mixedChunk: boolean;
}

/** What the engine holds at this moment. */
export interface EngineLoad {
  /** Scheduled, be it for its prompt or for its answer. */
  readonly running: number;
  readonly waiting: number;
  /** Prompt tokens of waiting requests. */
  readonly waitingTokens: number;
  /** Those of them not cached at this moment, and what is left of a prompt partly computed. */
  readonly waitingUncachedTokens: number;
  /** Tokens in KV memory for requests under way; idle cached pages do not count. */
  readonly usedTokens: number;
  readonly idleCachedTokens: number;
}

interface Prefill {
  readonly job: Job;
  readonly tokens: number;
}

interface Step {
  readonly startMs: number;
  readonly endMs: number;
  readonly prefills: readonly Prefill[];
  readonly decodes: boolean;
}

/** A step this close counts as over: timers are no finer. */
const TIMER_SLACK_MS = 0.5;
/** Steps done in one go when the timer was late, before I/O gets its turn. */
const MAX_CATCH_UP_STEPS = 16;
/** Further behind than this, the machine is too slow for the simulated rate, and lost time is not made up. */
const MAX_LAG_MS = 500;

/**
 * A simulated GPU: a queue, prompts computed in chunks, then decode steps that give every running request one token.
 * Steps follow each other at exact times of the clock; a timer that rings late is made up for.
 */
export class Engine {
  readonly #settings: EngineSettings;
  readonly #cache: PrefixCache;
  readonly #clock: Clock;
  readonly #stats: EngineStats;
  #waiting: Job[] = [];
  /** Scheduled: they hold a slot and memory. */
  readonly #active = new Set<Job>();
  /** Those of the active whose prompt is computed. */
  readonly #decoding = new Set<Job>();
  /** The one of the active whose prompt did not fit into the last chunk. */
  #chunked: Job | undefined;
  #step: Step | undefined;

  constructor(settings: EngineSettings, cache: PrefixCache, clock: Clock, stats: EngineStats) {
    this.#settings = settings;
    this.#cache = cache;
    this.#clock = clock;
    this.#stats = stats;
  }

  /** Queues jobs; those of one call can be scheduled together. */
  submit(jobs: readonly Job[]): void {
    const now = this.#clock.now();
    for (const job of jobs) {
      job.arrivedMs = now;
      this.#waiting.push(job);
    }
    if (this.#step === undefined) {
      this.#begin(now);
      this.#setAlarm();
    }
  }

  /** Ends every job that `matches`, wherever it is; its slot and memory are free at once. */
  abort(matches: (job: Job) => boolean, message: string): void {
    const jobs = [...this.#waiting, ...this.#active].filter(matches);
    if (jobs.length === 0) return;
    this.#waiting = this.#waiting.filter((job) => !jobs.includes(job));
    for (const job of jobs) {
      this.#end(job, { type: 'abort', message });
      job.spec.advance(job, '');
    }
  }

  /** Empties the cache; false, and nothing done, while there is work. */
  flush(): boolean {
    if (this.#waiting.length + this.#active.size > 0) return false;
    this.#cache.clear();
    return true;
  }

  get load(): EngineLoad {
    const { idlePages, sharedPages } = this.#cache.use;
    const page = this.#cache.pageSize;
    let ownPages = 0;
    for (const job of this.#active) {
      ownPages += Math.ceil((job.computedTokens + job.outputTokens) / page) - (job.lease?.sharedPages ?? 0);
    }
    const chunkedTokens = this.#chunked ? this.#chunked.promptTokens - this.#chunked.computedTokens : 0;
    const uncached = (sum: number, { spec }: Job) =>
      sum + spec.prompt.length - this.#cache.match(spec.prompt, spec.salt).length * page;
    return {
      running: this.#active.size,
      waiting: this.#waiting.length,
      waitingTokens: this.#waiting.reduce((sum, job) => sum + job.promptTokens, 0),
      waitingUncachedTokens: this.#waiting.reduce(uncached, chunkedTokens),
      usedTokens: (sharedPages + ownPages) * page,
      idleCachedTokens: idlePages * page,
    };
  }

  #begin(startMs: number): void {
    const prefills = this.#schedule(startMs);
    const tokens = prefills.reduce((sum, prefill) => sum + prefill.tokens, 0);
    const decodes = this.#decoding.size > 0 && (prefills.length === 0 || this.#settings.mixedChunk);
    if (prefills.length === 0 && !decodes) {
      this.#step = undefined;
      this.#stats.idle();
      return;
    }
    const cost = this.#settings.cost;
    const durationMs = prefillMs(cost, tokens) + (decodes ? decodeMs(cost, this.#decoding.size) : 0);
    this.#step = { startMs, endMs: startMs + durationMs, prefills, decodes };
  }

  /** Picks the prompt tokens of the next step: first what is left of a started prompt, then waiting ones in order. */
  #schedule(nowMs: number): Prefill[] {
    const prefills: Prefill[] = [];
    let budget = this.#settings.chunkTokens;
    const take = (job: Job) => {
      const tokens = Math.min(budget, job.uncomputedTokens);
      budget -= tokens;
      this.#chunked = tokens < job.uncomputedTokens ? job : undefined;
      prefills.push({ job, tokens });
    };
    if (this.#chunked) take(this.#chunked);
    while (budget > 0 && this.#active.size < this.#settings.maxRunning) {
      const job = this.#waiting[0];
      const lease = job && this.#cache.lease(job.spec.prompt, job.spec.answer.length, job.spec.salt);
      if (!lease) break;
      this.#waiting.shift();
      job.lease = lease;
      job.scheduledMs = nowMs;
      job.cachedTokens = job.computedTokens = lease.cachedTokens;
      this.#active.add(job);
      take(job);
    }
    return prefills;
  }

  #setAlarm(): void {
    if (this.#step) this.#clock.alarm(this.#step.endMs, () => this.#ring());
  }

  #ring(): void {
    const now = this.#clock.now();
    for (let steps = 0; steps < MAX_CATCH_UP_STEPS; steps++) {
      const step = this.#step;
      if (step === undefined || step.endMs > now + TIMER_SLACK_MS) break;
      this.#finish(step, now);
      const lagMs = now - step.endMs;
      if (lagMs > MAX_LAG_MS) this.#stats.lostMs += lagMs;
      this.#begin(lagMs > MAX_LAG_MS ? now : step.endMs);
    }
    this.#setAlarm();
  }

  #finish(step: Step, now: number): void {
    const durationMs = step.endMs - step.startMs;
    // The requests that were decoding, before those whose prompt is done now join them.
    const decoding = step.decodes ? [...this.#decoding] : [];
    if (step.prefills.length > 0) this.#stats.prefilled(step.prefills, durationMs);
    if (step.decodes) this.#stats.decoded(decoding.length, durationMs, now);
    for (const job of decoding) this.#produce(job, now);
    for (const { job, tokens } of step.prefills) {
      if (job.finish) continue;
      job.computedTokens += tokens;
      job.lease?.commit(job.spec.prompt, job.computedTokens);
      if (job.uncomputedTokens > 0) continue;
      this.#decoding.add(job);
      this.#produce(job, now);
    }
  }

  /** Gives a job its next token, or ends it where it wants none. */
  #produce(job: Job, now: number): void {
    const { answer } = job.spec;
    if (job.finish) return;
    const text = answer.length > 0 ? answer.next() : '';
    if (answer.ids.length >= answer.length) this.#end(job, answer.finish);
    this.#stats.produced(job, now);
    job.lastTokenMs = now;
    if (job.firstTokenMs === 0) job.firstTokenMs = now;
    job.spec.advance(job, text);
  }

  #end(job: Job, finish: Finish): void {
    job.finish = finish;
    this.#active.delete(job);
    this.#decoding.delete(job);
    if (this.#chunked === job) this.#chunked = undefined;
    const { prompt, answer } = job.spec;
    // The last token was never fed back, so it is not in memory.
    const fedBack = answer.ids.slice(0, -1);
    if (fedBack.length > 0) job.lease?.commit(prompt.concat(fedBack), prompt.length + fedBack.length);
    job.lease?.release();
    this.#stats.ended(job);
  }
}
