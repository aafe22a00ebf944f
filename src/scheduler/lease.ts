import type { IncomingHttpHeaders } from 'node:http';
import { AnswerTail, type Usage } from '../data/answer-tail.ts';
import { causeOf, failureOf } from '../data/failure.ts';
import type { Answered, Outcome } from '../data/outcome.ts';
import type { Described } from '../data/sink.ts';
import type { CallEnd, ChosenCall, Comparison, Ticket, Verdict } from '../fleet/call.ts';
import type { Slots } from '../fleet/slots.ts';
import type { AttemptResult, ObservedAttempt } from '../observe/observer.ts';
import type { KeptId } from './kept/kept-id.ts';
import type { Choice, Policy } from './policies/policy.ts';
import { retryAfterMs, type Tries } from './retry.ts';
import type { Suspects } from './suspects.ts';
import type { Target } from './target.ts';
import { evidenceOf, verdictOf } from './verdict.ts';

/** The answer that makes a connection a tunnel. */
const SWITCHED: Answered = { kind: 'answered', status: 101 };
const NO_BYTES = Buffer.alloc(0);

export interface LeaseOptions {
  /** The client wants the scores. */
  readonly explains: boolean;
  readonly observed: ObservedAttempt;
  /** Which requests it may be compared with; undefined where that is not known. */
  readonly kind: string | undefined;
  /** Its answer is not the client's. */
  readonly aside: boolean;
  readonly tries: Tries;
  /** Reads what the worker keeps from its answer. */
  readonly kept?: KeptId | undefined;
}

/** What one choice holds until its call has ended: the worker's load, its breaker's and the policy's attention. */
export class Lease implements Described, ChosenCall {
  readonly startedMs = performance.now();
  readonly kind: string | undefined;
  readonly aside: boolean;
  readonly choice: Choice<Target>;
  readonly #policy: Policy;
  readonly #slots: Slots;
  readonly observed: ObservedAttempt;
  /** The client wants the scores. */
  readonly #explains: boolean;
  readonly #tries: Tries;
  readonly #kept: KeptId | undefined;
  readonly #suspects: Suspects | undefined;
  readonly #ticket: Ticket;
  readonly #tail = new AnswerTail();
  #streams = false;
  #status = 0;
  #awaited = false;
  #retryAfter: string | undefined;
  #plain = false;
  #refused = false;
  #firstByteMs: number | undefined;
  #settled = false;
  /** What the worker was told of how it did; undefined until then. */
  #verdict: Verdict | undefined;
  /** Set where another server computed the prompt: so much of it that one had cached. It is the client's number, and says nothing of this worker's cache. */
  cachedAtPrefill: number | undefined;

  /** Counts the choice. */
  constructor(choice: Choice<Target>, policy: Policy, slots: Slots, options: LeaseOptions) {
    const { explains, observed, tries, kind, aside, kept } = options;
    this.choice = choice;
    this.#tries = tries;
    this.kind = kind;
    this.aside = aside;
    this.observed = observed;
    this.#explains = explains;
    this.#kept = kept;
    this.#policy = policy;
    this.#slots = slots;
    this.#suspects = tries.apartFrom;
    this.#suspects?.add(choice.candidate.server);
    slots.take(choice.candidate.slot);
    this.#ticket = choice.candidate.chosen(this);
  }

  /** Its worker gives so many errors that another is to be asked what it says to this request. */
  get isDoubted(): boolean {
    return this.choice.candidate.doubts(this);
  }

  /** Another is asked. */
  compare(): void {
    this.#awaited = true;
    this.choice.candidate.comparing(this);
  }

  /** What others say to the request. */
  compared(comparison: Comparison): void {
    this.choice.candidate.compared(this, comparison, this.#awaited);
    this.#awaited = false;
  }

  describe(headers: string[], of = ''): void {
    const { candidate, matchedBytes, reason, scores } = this.choice;
    headers.push(`x-sglang-router-${of}worker`, candidate.url, `x-sglang-router-${of}policy`, this.#policy.name);
    headers.push(`x-sglang-router-${of}matched`, String(matchedBytes));
    if (this.#explains && scores) headers.push(`x-sglang-router-${of}explain`, JSON.stringify({ reason, scores }));
  }

  /** The answer is a stream of events; known with its head. */
  get streams(): boolean {
    return this.#streams;
  }

  /** Its events can be read. */
  get readable(): boolean {
    return this.#streams && this.#plain;
  }

  head(status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#retryAfter = headers['retry-after'];
    this.#streams = String(headers['content-type']).startsWith('text/event-stream');
    this.#plain = headers['content-encoding'] === undefined;
    this.observed.head(status, this.#streams);
    this.#kept?.status(status);
  }

  /**
   * The worker has switched protocols. That is its answer: what goes through the tunnel, for hours perhaps, says nothing of its
   * health, and neither a circuit breaker's trial nor a place in the retry budget waits for its end.
   */
  tunnel(): void {
    this.#status = SWITCHED.status;
    this.observed.head(this.#status, false);
    this.data(NO_BYTES);
    this.#judge(SWITCHED);
    this.#tries.end(SWITCHED);
  }

  /** The first event of its stream is an error: it stands for that status, and tells nothing of how long an answer takes. */
  refused(status: number): void {
    this.#refused = true;
    this.#status = status;
    this.observed.head(status, this.#streams);
    this.observed.errorEvent(status);
  }

  /** The status of an error with which its stream ended, where there was one after its first event. */
  errorAtEnd(): number | undefined {
    const status = this.readable && !this.#refused ? this.#tail.errorStatus() : undefined;
    if (status !== undefined) this.observed.errorEvent(status);
    return status;
  }

  /** Some bytes of the answer's body have come. */
  data(chunk: Buffer): void {
    if (this.#status !== SWITCHED.status) {
      this.#tail.see(chunk);
      this.#kept?.see(chunk);
    }
    this.observed.chunk(chunk.length);
    if (this.#firstByteMs !== undefined) return;
    if (this.#refused) return;
    this.#firstByteMs = performance.now() - this.startedMs;
    if (this.#status < 400) this.choice.candidate.answered(this);
    this.#policy.firstByte?.(this.choice);
  }

  /** Chunks of the answer need not be taken apart. */
  get passesChunks(): boolean {
    return this.#kept === undefined;
  }

  /** Some whole chunks of the answer have come, not the first, in the coding as it came. */
  chunks(coded: Buffer, bytes: number, count: number): void {
    this.#tail.seeChunks(coded);
    this.observed.chunk(bytes, count);
  }

  /** The call has ended, however it did; `told` is what its answer was found to say of its tokens. What is held comes first: an error in the rest must not keep it. */
  settle(outcome: Outcome, told?: Usage): void {
    if (this.#settled) return;
    this.#settled = true;
    const { candidate } = this.choice;
    this.#slots.give(candidate.slot);
    this.#suspects?.remove(candidate.server);
    const verdict = this.#verdict ?? this.#judge(outcome);
    const read = told ?? this.#tail.read();
    const elsewhere = this.cachedAtPrefill;
    const own = elsewhere === undefined ? read : { ...read, cachedTokens: undefined };
    const usage = elsewhere === undefined ? read : { ...read, cachedTokens: elsewhere };
    const firstByteMs = this.#streams ? this.#firstByteMs : undefined;
    try {
      this.#policy.settled?.(this.choice, { firstByteMs, ...own });
    } finally {
      this.observed.end({ verdict, usage, error: errorOf(outcome, candidate) });
    }
  }

  /** Tells the worker how it did. */
  #judge(outcome: Outcome): Verdict {
    const verdict = verdictOf(outcome);
    this.#verdict = verdict;
    const end = this.#endOf(outcome, verdict);
    const counts = this.choice.candidate.settled(this, end, this.#ticket);
    if (this.#awaited || (counts && isError(end))) this.#tries.err(this);
    return verdict;
  }

  /** It failed when nobody else could be asked any more: the connection broke, or the stream ended with an error event. */
  #brokeOff(outcome: Outcome): boolean {
    if (outcome.kind === 'failed') return outcome.started;
    return outcome.kind === 'answered' && outcome.status >= 500 && this.#status < 400;
  }

  #endOf(outcome: Outcome, verdict: Verdict): CallEnd {
    return {
      verdict,
      evidence: evidenceOf(outcome),
      cause: verdict === 'failure' ? causeOf(outcome) : undefined,
      status: 'status' in outcome ? outcome.status : undefined,
      repeated: outcome.kind === 'rejected',
      broke: this.#brokeOff(outcome),
      retryAfterMs: outcome.kind === 'rejected' ? outcome.retryAfterMs : retryAfterMs(this.#retryAfter),
    };
  }
}

/** Whether others may answer what came to this. */
function isError({ evidence }: CallEnd): boolean {
  return evidence === 'failure' || evidence === 'refusal' || evidence === 'complaint';
}

function errorOf(outcome: Outcome, target: Target): AttemptResult['error'] {
  if (outcome.kind !== 'failed') return undefined;
  return { code: failureOf(outcome, target).code, started: outcome.started };
}
