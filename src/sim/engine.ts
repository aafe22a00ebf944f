import type { FailureStatus, Finish } from './answer.ts';
import type { PrefixCache } from './cache.ts';
import { type CostModel, decodeMs, prefillMs } from './cost.ts';
import type { EngineClock } from './engine-clock.ts';
import type { Job, Meeting } from './job.ts';
import type { EngineStats } from './stats.ts';
import { followedBy } from './tokens.ts';

export interface EngineSettings {
  readonly cost: CostModel;
  /** Prompt tokens computed in one step at most. */
  readonly chunkTokens: number;
  readonly maxRunning: number;
  /** Jobs that may wait to be scheduled; further ones fail. */
  readonly maxQueued: number;
  /** Compute prompt chunks and decode in the same step; otherwise prompts go first and decoding waits. */
  readonly mixedChunk: boolean;
}

/** What the engine holds at this moment. */
export interface EngineLoad {
  /** Scheduled, be it for its prompt or for its answer; not while the prompt is on its way to or from another engine. */
  readonly running: number;
  readonly waiting: number;
  /** Not to be scheduled before the other engine is there. */
  readonly held: number;
  /** The prompt is on its way. */
  readonly handing: number;
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
  readonly #clock: EngineClock;
  readonly #stats: EngineStats;
  #waiting: Job[] = [];
  readonly #held = new Set<Job>();
  /** Scheduled: they hold a slot and memory. */
  readonly #active = new Set<Job>();
  /** Those of the active whose prompt is computed. */
  readonly #decoding = new Set<Job>();
  /** Those of the active whose prompt is on its way to or from another engine, and those where it has just arrived. */
  readonly #handing = new Set<Job>();
  #handed: Job[] = [];
  /** The one of the active whose prompt did not fit into the last chunk. */
  #chunked: Job | undefined;
  #step: Step | undefined;

  constructor(settings: EngineSettings, cache: PrefixCache, clock: EngineClock, stats: EngineStats) {
    this.#settings = settings;
    this.#cache = cache;
    this.#clock = clock;
    this.#stats = stats;
  }

  /** Queues jobs; those of one call can be scheduled together. */
  submit(jobs: readonly Job[]): void {
    const now = this.#clock.now();
    const refused: Job[] = [];
    for (const job of jobs) {
      job.arrivedMs = now;
      if (job.spec.meeting?.side === 'prefill') this.#held.add(job);
      else if (this.#waiting.length >= this.#settings.maxQueued) refused.push(job);
      else this.#waiting.push(job);
    }
    for (const job of jobs) job.spec.meeting?.queued(job);
    for (const job of refused) this.fail(job, 503, 'The request queue is full.');
    this.#wake();
  }

  /** Lets a held job be scheduled: whoever wants its prompt is there. */
  release(job: Job): void {
    if (!this.#held.delete(job)) return;
    this.#waiting.push(job);
    this.#wake();
  }

  /** The prompt of a job has moved: it gets its first token before the next step. */
  handedOver(job: Job, cachedTokens = job.cachedTokens): void {
    if (!this.#handing.delete(job)) return;
    job.cachedTokens = cachedTokens;
    job.computedTokens = job.promptTokens;
    this.#handed.push(job);
    this.#wake();
  }

  /** Ends every job that `matches`, wherever it is; its slot and memory are free at once. */
  abort(matches: (job: Job) => boolean, message: string): void {
    this.#abort([...this.#held, ...this.#waiting, ...this.#active].filter(matches), { type: 'abort', message });
  }

  /** Ends a job for a reason that its client is told as an error. */
  fail(job: Job, status: FailureStatus, message: string): void {
    if (!job.finish) this.#abort([job], { type: 'abort', message, status });
  }

  /** True where there is nothing to do. */
  get idle(): boolean {
    return this.#held.size + this.#waiting.length + this.#active.size === 0;
  }

  /** Empties the cache; false, and nothing done, while there is work. */
  flush(): boolean {
    if (this.idle) this.#cache.clear();
    return this.idle;
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
      spec.meeting?.side === 'decode'
        ? sum
        : sum + spec.prompt.length - this.#cache.match(spec.prompt, spec.salt).length * page;
    const waiting = [...this.#held, ...this.#waiting];
    return {
      running: this.#active.size - this.#handing.size,
      waiting: this.#waiting.length,
      held: this.#held.size,
      handing: this.#handing.size,
      waitingTokens: waiting.reduce((sum, job) => sum + job.promptTokens, 0),
      waitingUncachedTokens: this.#waiting.reduce(uncached, chunkedTokens),
      usedTokens: (sharedPages + ownPages) * page,
      idleCachedTokens: idlePages * page,
    };
  }

  #wake(): void {
    if (this.#step !== undefined) return;
    this.#begin(this.#clock.now());
    this.#setAlarm();
  }

  #abort(jobs: readonly Job[], finish: Finish): void {
    if (jobs.length === 0) return;
    this.#waiting = this.#waiting.filter((job) => !jobs.includes(job));
    for (const job of jobs) {
      this.#end(job, finish);
      job.spec.advance(job, '');
    }
    // While prompts are on their way there may be no step to end and schedule what waits.
    this.#wake();
  }

  #begin(startMs: number): void {
    for (const job of this.#handed.splice(0)) this.#start(job, this.#clock.now());
    const prefills = this.#schedule(startMs);
    const tokens = prefills.reduce((sum, prefill) => sum + prefill.tokens, 0);
    const cachedTokens = prefills.reduce((sum, { job }) => sum + job.computedTokens, 0);
    const decodes = this.#decoding.size > 0 && (prefills.length === 0 || this.#settings.mixedChunk);
    if (prefills.length === 0 && !decodes) {
      this.#step = undefined;
      this.#stats.idle();
      return;
    }
    const cost = this.#settings.cost;
    const durationMs = prefillMs(cost, tokens, cachedTokens) + (decodes ? decodeMs(cost, this.#decoding.size) : 0);
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
      if (job.spec.meeting?.side === 'decode') this.#move(job, job.spec.meeting);
      else take(job);
    }
    return prefills;
  }

  #move(job: Job, meeting: Meeting): void {
    this.#handing.add(job);
    meeting.move(job);
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
      if (job.spec.meeting) this.#move(job, job.spec.meeting);
      else this.#start(job, now);
    }
  }

  /** The prompt is there: from now on every decode step gives the job a token. */
  #start(job: Job, now: number): void {
    if (job.finish) return;
    this.#decoding.add(job);
    this.#produce(job, now);
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
    this.#held.delete(job);
    this.#active.delete(job);
    this.#handing.delete(job);
    this.#decoding.delete(job);
    if (this.#chunked === job) this.#chunked = undefined;
    const { prompt, answer, meeting } = job.spec;
    // The last token was never fed back, so it is not in memory. A decode server keeps no prefix cache.
    const fedBack = answer.ids.slice(0, -1);
    if (fedBack.length > 0 && meeting === undefined)
      job.lease?.commit(followedBy(prompt, fedBack), prompt.length + fedBack.length);
    job.lease?.release();
    this.#stats.ended(job);
    meeting?.ended(job);
  }
}
