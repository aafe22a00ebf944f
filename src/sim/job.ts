import type { Answer, Finish } from './answer.ts';
import type { Lease } from './cache.ts';
import type { Tokens } from './tokens.ts';

/**
 * How a job gets its prompt across where one engine computes it and another goes on from there. The engine calls these;
 * `Engine.release` and `Engine.handedOver` are the answers.
 */
export interface Meeting {
  readonly side: 'prefill' | 'decode';
  /** The engine has the job. On the prefill side it is not scheduled before it is released. */
  queued(job: Job): void;
  /** Its prompt is computed, or there is room for it here: let it move. */
  move(job: Job): void;
  /** The job is over, however it ended. */
  ended(job: Job): void;
}

/** What is to be computed: one prompt, one answer. */
export interface JobSpec {
  /** What the client can abort it by. */
  readonly id: string;
  readonly prompt: Tokens;
  readonly answer: Answer;
  /** Prompts with another salt never share cached pages. */
  readonly salt: number;
  readonly stream: boolean;
  /** Index of the engine, where one server has several. */
  readonly rank: number;
  /** Undefined: the same engine does all of it. */
  readonly meeting: Meeting | undefined;
  /**
   * Called for every token with the text it adds, and once more without text if the job is aborted.
   * `job.finish` is set in the last call.
   */
  readonly advance: (job: Job, text: string) => void;
}

/** One prompt on its way through the engine. Only the engine writes to it. */
export class Job {
  readonly spec: JobSpec;
  /** Milliseconds of the engine's clock; 0 until it happens. */
  arrivedMs = 0;
  scheduledMs = 0;
  firstTokenMs = 0;
  lastTokenMs = 0;
  cachedTokens = 0;
  /** Prompt tokens in KV memory, cached ones included. */
  computedTokens = 0;
  lease: Lease | undefined;
  finish: Finish | undefined;

  constructor(spec: JobSpec) {
    this.spec = spec;
  }

  get id(): string {
    return this.spec.id;
  }

  get promptTokens(): number {
    return this.spec.prompt.length;
  }

  get outputTokens(): number {
    return this.spec.answer.ids.length;
  }

  /** Prompt tokens still to be computed, before it is known which of them are cached. */
  get uncomputedTokens(): number {
    return this.promptTokens - this.computedTokens;
  }
}
