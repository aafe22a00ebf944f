import type { PrefixIndex } from '../index/prefix-index.ts';
import type { ChoiceTeller, SharedChoice } from './shared-choice.ts';

/** What a policy sees of a worker: nothing of health, breakers or configuration. */
export interface Candidate {
  readonly url: string;
  /** Row of the shared counters: a small integer, reused after a worker is gone. */
  readonly slot: number;
  /** Requests in flight, counted at the choice. */
  readonly load: number;
}

/** A prompt that another thread has read, without its text. */
interface HashedPrompt {
  /** Length of the part of the prompt that was read. */
  readonly length: number;
  /** A hash of the prompt's beginning; undefined for an empty prompt. */
  readonly head: number | undefined;
  /** Hashes of its blocks, as from `Blocks.hashes`; undefined if no policy needs them. */
  readonly hashes: Int32Array | undefined;
}

/** What a policy may know of a request. Reading `prompt` or `key` for the first time reads the body: ask only for what is needed. */
export interface Hints {
  /** The prompt's bytes as routing reads them; undefined without a prompt. They are valid until another prompt is read, so copy them to keep them. */
  readonly prompt: Uint8Array | HashedPrompt | undefined;
  /** The key of a session: an explicit routing key, else the client's own session id; undefined without either. */
  readonly key: string | undefined;
  /** True when the answer comes as it is made, so that its first byte tells when the prompt is done. */
  readonly streams?: boolean;
  /** True when the engine computes the whole prompt whatever its cache holds, as for log probabilities of the prompt. */
  readonly recomputes?: boolean;
}

/** How a policy came to its choice, for the explain header and the log. */
export interface Choice<C extends Candidate = Candidate> {
  readonly candidate: C;
  /** Prompt bytes predicted to be cached there; 0 where the policy does not predict. */
  readonly matchedBytes: number;
  /** Bytes of the whole prompt; absent where the policy does not predict. */
  readonly promptBytes?: number;
  /** The rule that decided, in one word. */
  readonly reason: string;
  /** What the scores of the candidates looked at were made of, `worker` being the URL; built only when `explain` is asked for. */
  readonly scores?: readonly Readonly<Record<string, string | number>>[];
}

/** What became of a request; told to the policy once. */
export interface Result {
  /** Milliseconds from the choice to the first byte of a streamed answer; undefined when none came, or all came at once. */
  readonly firstByteMs: number | undefined;
  /** The engine's own count, where the answer carried it. */
  readonly promptTokens: number | undefined;
  readonly cachedTokens: number | undefined;
}

/** What is read of prompts: all of them, the hashes of their blocks, their length and a hash of their beginning, or nothing. */
export type PromptNeeds = 'text' | 'hashes' | 'head' | 'nothing';

/** Picks one of the workers that may receive a request; does no I/O. */
export interface Policy {
  readonly name: string;
  /** What the policy reads of prompts; nothing unless given. */
  readonly reads?: PromptNeeds;
  /** Whether the policy wants `learned` called with each load report. */
  readonly followsLoad?: boolean;
  /** The policy's prefix index, for metrics. */
  readonly index?: Pick<PrefixIndex, 'bytes' | 'held'>;
  /** Number of routing keys that stay with a worker, for metrics. */
  keysOn?(candidate: Pick<Candidate, 'url'>): number;
  /** `candidates` is never empty and holds only available workers. */
  pick<C extends Candidate>(candidates: readonly C[], hints: Hints, explain?: boolean): Choice<C>;
  /** The worker's first byte for that choice has come: its prefill is over. */
  firstByte?(choice: Choice): void;
  /** The request has ended, however it did; called once for every pick. */
  settled?(choice: Choice, result: Result): void;
  /** A worker is gone, or came back with an empty cache. */
  removed?(candidate: Candidate): void;
  /** Tells what the worker says of itself: KV capacity in tokens, its own load. */
  learned?(candidate: Candidate, facts: WorkerFacts): void;
  /** Called every `--eviction-interval`: forget what has been idle longest. */
  evict?(): void;
  /** Tells the policy's choices to other routers from now on. */
  share?(teller: ChoiceTeller): void;
  /** Another router has chosen that worker. What is returned goes to `firstByte` when its prompt is computed, then to `endedElsewhere`. */
  chosenElsewhere?(candidate: Candidate, shared: SharedChoice): Choice;
  /** Another router's choice has ended, or nothing more will be heard of it. */
  endedElsewhere?(choice: Choice, surplusTokens: number): void;
}

export interface WorkerFacts {
  readonly kvCapacityTokens?: number;
  readonly runningRequests?: number;
  readonly waitingRequests?: number;
  readonly usedTokens?: number;
}

/** Uniform in [0, 1); injected so that tests can choose. */
export type Random = () => number;

/** Milliseconds on a clock that never goes back; injected so that tests can turn it. */
export type Now = () => number;
