import type { ChosenCall, Comparison, Ticket, Verdict, WaitingCall, WorkerCallEnd } from '../fleet/call.ts';
import type { Slots } from '../fleet/slots.ts';
import type { StoredKind } from '../http/endpoint.ts';
import { retryAfterMs } from '../http/retry-after.ts';
import {
  type AssignedCall,
  type CallEnd,
  type CallReport,
  type ChoiceDescription,
  NOT_SENT,
} from '../link/assignment.ts';
import { causeOf, failureOf } from '../link/failure.ts';
import type { Answered, Failed, Outcome } from '../link/outcome.ts';
import { isDoubtful, isRetryable } from '../link/statuses.ts';
import type { HistogramCounts } from '../observe/metrics/series.ts';
import type { AttemptResult, ObservedAttempt } from '../observe/observer.ts';
import type { Choice, Policy } from './policies/policy.ts';
import type { Tries } from './retry.ts';
import type { Owners } from './stored/owners.ts';
import type { Suspects } from './suspects.ts';
import type { Target } from './target.ts';
import { evidenceOf, verdictOf } from './verdict.ts';

/** The outcome of an answer that makes a connection a tunnel. */
const SWITCHED: Answered = { kind: 'answered', status: 101 };

/** The request that a call is made for. */
export interface Caller {
  /** One of the request's calls has failed. */
  callFailed(target: Target, failed: Failed): void;
}

interface LeaseOptions {
  readonly caller: Caller;
  readonly policy: Policy;
  readonly slots: Slots;
  readonly owners: Owners;
  /** The kind of object whose id the answer tells; undefined if none. */
  readonly stores: StoredKind | undefined;
  /** The client asked for the candidates' scores. */
  readonly explains: boolean;
  readonly observed: ObservedAttempt;
  /** The kind of request, for comparing workers; undefined where it cannot be compared. */
  readonly kind: string | undefined;
  /** The answer is not for the client, as a prefill server's. */
  readonly aside: boolean;
  readonly tries: Tries;
}

/** Holds one choice until its call has ended: counts its load, and reports to breaker and policy. */
export class Lease implements AssignedCall, CallReport, ChosenCall {
  readonly startedMs = performance.now();
  readonly target: Target;
  readonly #options: LeaseOptions;
  readonly #choice: Choice<Target>;
  readonly #suspects: Suspects | undefined;
  readonly #ticket: Ticket;
  #streams = false;
  #status = 0;
  #awaited = false;
  #retryAfter: string | undefined;
  #refused = false;
  #firstByteMs: number | undefined;
  #sent = false;
  #ended = false;
  /** The verdict that the worker was told; undefined until then. */
  #verdict: Verdict | undefined;

  /** Counts the choice as load. */
  constructor(choice: Choice<Target>, options: LeaseOptions) {
    this.#choice = choice;
    this.#options = options;
    this.target = choice.candidate;
    this.#suspects = options.tries.apartFrom;
    this.#suspects?.add(this.target.server);
    options.slots.take(this.target.slot);
    this.#ticket = this.target.chosen(this);
  }

  get kind(): string | undefined {
    return this.#options.kind;
  }

  get report(): CallReport {
    return this;
  }

  get traceparent(): string | undefined {
    return this.#options.observed.traceparent;
  }

  get choice(): ChoiceDescription {
    const { matchedBytes, reason, scores } = this.#choice;
    const told = this.#options.explains && scores ? JSON.stringify({ reason, scores }) : undefined;
    return { policy: this.#options.policy.name, matchedBytes, scores: told };
  }

  waits(call: WaitingCall): void {
    this.#sent = true;
    this.target.waits(call);
  }

  waitsNoMore(call: WaitingCall, answered: boolean): void {
    this.target.waitsNoMore(call, answered);
  }

  goesElsewhere(status: number): boolean {
    const { tries } = this.#options;
    const isDoubted = isDoubtful(status) && tries.retries === 0 && this.target.doubts(this);
    if (!(isDoubted || isRetryable(status)) || !tries.permit()) return false;
    if (isDoubted) {
      this.#awaited = true;
      this.target.comparing(this);
    }
    return true;
  }

  /** Tells the worker what its peers answered to the same request. */
  compared(comparison: Comparison): void {
    this.target.compared(this, comparison, this.#awaited);
    this.#awaited = false;
  }

  head(status: number, streams: boolean, retryAfter: string | undefined): void {
    this.#status = status;
    this.#streams = streams;
    this.#retryAfter = retryAfter;
    this.#options.observed.head(status, streams);
  }

  /** An error event says nothing of how long answers take. */
  errorEvent(status: number): void {
    this.#refused ||= this.#firstByteMs === undefined;
    if (this.#refused) {
      this.#status = status;
      this.#options.observed.head(status, this.#streams);
    }
    this.#options.observed.errorEvent(status);
  }

  /**
   * The switch of protocols is the worker's answer: the tunnel may last for hours, and neither a breaker's trial nor a place in the
   * retry budget waits for its end.
   */
  tunnel(): void {
    this.head(SWITCHED.status, false, undefined);
    this.data(0);
    this.#judge(SWITCHED);
    this.#options.tries.end(SWITCHED);
  }

  moved(pieces = 1): void {
    this.target.activity += pieces;
  }

  data(bytes: number, chunks = 1): void {
    this.#options.observed.chunk(bytes, chunks);
    if (this.#firstByteMs !== undefined || this.#refused) return;
    this.#firstByteMs = performance.now() - this.startedMs;
    if (this.#status < 400) {
      this.target.answered(this);
      if (!this.#options.aside) this.#options.tries.compare('others_answer');
    }
    this.#options.policy.firstByte?.(this.#choice);
  }

  streamed(bytes: number, gaps: HistogramCounts | undefined): void {
    this.#options.observed.streamed(bytes, gaps);
  }

  stores(id: string): void {
    const { stores, owners } = this.#options;
    if (stores !== undefined) owners.learn({ kind: stores, id }, this.target.url);
  }

  /** The call has ended. Gives back what it holds first: an error in the rest must not keep it. */
  ended({ outcome, usage, cachedAtPrefill }: CallEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    const { slots, observed, policy } = this.#options;
    slots.give(this.target.slot);
    this.#suspects?.remove(this.target.server);
    if (outcome.kind === 'rejected' && this.#status === 0) observed.head(outcome.status, false);
    const verdict = this.#verdict ?? this.#judge(outcome);
    const isElsewhere = cachedAtPrefill !== undefined;
    const firstByteMs = this.#streams ? this.#firstByteMs : undefined;
    try {
      policy.settled?.(this.#choice, {
        firstByteMs,
        promptTokens: usage.promptTokens,
        cachedTokens: isElsewhere ? undefined : usage.cachedTokens,
      });
    } finally {
      const told = isElsewhere ? { ...usage, cachedTokens: cachedAtPrefill } : usage;
      observed.end({ verdict, usage: told, error: errorOf(outcome, this.target) });
    }
    if (outcome.kind === 'failed') this.#options.caller.callFailed(this.target, outcome);
  }

  /** Gives back a call that was never sent. */
  giveBack(): void {
    if (!this.#sent) this.ended(NOT_SENT);
  }

  /** Tells the worker the verdict. */
  #judge(outcome: Outcome): Verdict {
    const verdict = verdictOf(outcome);
    this.#verdict = verdict;
    const end = this.#endOf(outcome, verdict);
    const counts = this.target.settled(this, end, this.#ticket);
    if (this.#awaited || (counts && isError(end))) this.#options.tries.err(this);
    return verdict;
  }

  /** The answer failed after it had begun: the connection broke, or the stream ended with an error event. */
  #brokeOff(outcome: Outcome): boolean {
    if (outcome.kind === 'failed') return outcome.started;
    return outcome.kind === 'answered' && outcome.status >= 500 && this.#status < 400;
  }

  #endOf(outcome: Outcome, verdict: Verdict): WorkerCallEnd {
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

/** Whether another worker may still answer the request. */
function isError({ evidence }: WorkerCallEnd): boolean {
  return evidence === 'failure' || evidence === 'refusal' || evidence === 'complaint';
}

function errorOf(outcome: Outcome, target: Target): AttemptResult['error'] {
  if (outcome.kind !== 'failed') return undefined;
  return { code: failureOf(outcome, target).code, started: outcome.started };
}
