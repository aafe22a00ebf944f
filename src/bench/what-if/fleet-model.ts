import type { Candidate, Choice, Policy } from '../../scheduler/policies/policy.ts';
import { Answer as EngineAnswer } from '../../sim/answer.ts';
import { roomForAnswer } from '../../sim/api/jobs.ts';
import { chatTokensOf } from '../../sim/chat-template.ts';
import { createRank } from '../../sim/create-rank.ts';
import { Job } from '../../sim/job.ts';
import type { SimOptions } from '../../sim/options.ts';
import type { Rank } from '../../sim/rank.ts';
import { tokenize } from '../../sim/tokens.ts';
import type { Answer } from '../client.ts';
import type { Counters } from '../counters.ts';
import type { Asking } from '../drive.ts';
import { joined } from '../prompt.ts';
import type { Random } from '../random.ts';
import type { Said } from '../request.ts';
import type { Api } from '../workloads/workload.ts';
import type { VirtualTime } from './virtual-time.ts';

/** As often as the router asks its workers for their loads, where its policy wants them, and evicts from its index. */
const LOADS_MS = 1_000;
const EVICTION_MS = 60_000;

/** From client to engine. Without it all would come at the very same moments, and engines with equal requests stay in step for ever. */
const MOST_ON_THE_WAY_MS = 2;

/** What is answered is decided by so many of the last tokens of a prompt. */
const ANSWERED_TOKENS = 256;

/** A worker as a policy sees it, and its engine. */
class ModelWorker implements Candidate {
  readonly url: string;
  readonly slot: number;
  readonly options: SimOptions;
  readonly rank: Rank;
  load = 0;

  constructor(slot: number, options: SimOptions, time: VirtualTime) {
    this.url = `engine ${slot}`;
    this.slot = slot;
    this.options = options;
    this.rank = createRank(options, 0, time);
  }
}

/**
 * Simulated engines and the policy that chooses among them, the same code as in their programs, but in one process and in virtual time.
 * What is left out is what costs no time on a GPU: HTTP and the router's own work, of which a moment on the way is left.
 */
export class FleetModel implements Asking {
  readonly #workers: readonly ModelWorker[];
  readonly #policy: Policy;
  readonly #time: VirtualTime;
  readonly #random: Random;
  #asked = 0;

  constructor(engines: readonly SimOptions[], policy: Policy, time: VirtualTime, random: Random) {
    this.#workers = engines.map((options, slot) => new ModelWorker(slot, options, time));
    this.#policy = policy;
    this.#time = time;
    this.#random = random;
    for (const worker of this.#workers) policy.learned?.(worker, { kvCapacityTokens: worker.options.maxTotalTokens });
    if (policy.followsLoad) this.#every(LOADS_MS, () => this.#tellLoads());
    if (policy.evict) this.#every(EVICTION_MS, () => policy.evict?.());
  }

  /** What each engine has counted. */
  get counted(): readonly Counters[] {
    return this.#workers.map(({ rank: { stats } }) => ({
      requests: stats.streamed.requests,
      promptTokens: stats.streamed.promptTokens,
      cachedTokens: stats.cachedTokens,
      generatedTokens: stats.streamed.generatedTokens,
      lostSecs: 0,
    }));
  }

  async ask(api: Api, said: readonly Said[], outputTokens: number): Promise<Answer> {
    const sentMs = this.#time.now();
    await this.#time.pause(this.#random.next() * MOST_ON_THE_WAY_MS);
    const prompt = promptOf(api, said);
    const bytes = new Uint8Array(prompt.buffer);
    const choice = this.#policy.pick(this.#workers, { prompt: bytes, key: undefined, streams: true });
    const worker = choice.candidate;
    return new Promise((resolve) => {
      const gapsMs: number[] = [];
      const advance = (job: Job) => {
        if (job.outputTokens > 1) gapsMs.push(this.#time.now() - lastMs);
        else this.#policy.firstByte?.(choice);
        lastMs = this.#time.now();
        if (job.finish) this.#time.resume(() => resolve(this.#end(job, choice, { sentMs, gapsMs })));
      };
      let lastMs = sentMs;
      try {
        worker.rank.engine.submit([this.#job(prompt, outputTokens, worker.options, advance)]);
        worker.load++;
      } catch (error) {
        this.#policy.settled?.(choice, { firstByteMs: undefined, promptTokens: undefined, cachedTokens: undefined });
        this.#time.resume(() => resolve(refused(sentMs, error as Error)));
      }
    });
  }

  /** Throws BadRequestError where it does not fit. */
  #job(prompt: Int32Array, maxTokens: number, options: SimOptions, advance: (job: Job) => void): Job {
    const { randomSeed, outputTokens: meanTokens } = options;
    const roomTokens = roomForAnswer(options, prompt.length, maxTokens);
    const limits = { maxTokens, meanTokens, roomTokens, stop: [], firstOnly: false };
    // Of a long prompt all would be read for that alone.
    const answer = new EngineAnswer(prompt.subarray(-ANSWERED_TOKENS), randomSeed, limits);
    const id = String(++this.#asked);
    return new Job({ id, prompt, answer, salt: 0, stream: true, rank: 0, meeting: undefined, advance });
  }

  #end(job: Job, choice: Choice<ModelWorker>, { sentMs, gapsMs }: Pick<Answer, 'sentMs' | 'gapsMs'>): Answer {
    const { promptTokens, cachedTokens, firstTokenMs, finish } = job;
    const worker = choice.candidate;
    worker.load--;
    this.#policy.settled?.(choice, { firstByteMs: firstTokenMs - sentMs, promptTokens, cachedTokens });
    const { promptBytes, matchedBytes } = choice;
    return {
      sentMs,
      firstMs: firstTokenMs,
      endMs: this.#time.now(),
      gapsMs,
      text: job.spec.answer.text,
      ids: job.spec.answer.ids,
      outputTokens: job.outputTokens,
      promptTokens,
      cachedTokens,
      worker: worker.url,
      predictedShare: promptBytes ? matchedBytes / promptBytes : undefined,
      error: finish?.type === 'abort' ? finish.message : undefined,
    };
  }

  #tellLoads(): void {
    for (const worker of this.#workers) {
      const { running, waiting, usedTokens } = worker.rank.engine.load;
      const facts = { runningRequests: running, waitingRequests: waiting, usedTokens };
      this.#policy.learned?.(worker, { ...facts, kvCapacityTokens: worker.options.maxTotalTokens });
    }
  }

  #every(ms: number, act: () => void): void {
    this.#time.alarm(this.#time.now() + ms, () => {
      act();
      this.#every(ms, act);
    });
  }
}

function promptOf(api: Api, said: readonly Said[]): Int32Array {
  const turns = said.map((one) => ({ role: one.role, ids: one.ids ?? tokenize(one.text) }));
  return joined(api === 'chat' ? chatTokensOf(turns) : turns.map(({ ids }) => ids));
}

function refused(sentMs: number, { message }: Error): Answer {
  const nothing = { firstMs: undefined, gapsMs: [], text: '', outputTokens: 0 };
  const unknown = { promptTokens: undefined, cachedTokens: undefined, worker: undefined, predictedShare: undefined };
  return { sentMs, endMs: sentMs, ...nothing, ...unknown, error: `HTTP 400: ${message}` };
}
