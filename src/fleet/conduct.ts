import { AnswerCounts } from './answer-counts.ts';
import type { ChosenCall, Comparison, Evidence, WorkerCallEnd } from './call.ts';
import type { Clock } from './clock.ts';
import { Hold } from './hold.ts';

/** Errors in a row after which the next one is compared with another worker's answer. */
const DOUBTED_AFTER = 2;
/** Most comparisons at once, so that a client's bad requests are not all sent twice. */
const OPINIONS_AT_ONCE = 8;
const OPINIONS_A_SECOND = 10;
/** Wait for another worker's opinion; then the doubted worker may prove by itself that it is well. */
const OPINION_MS = 500;

/** What a `Conduct` needs of its worker, and tells it. */
export interface ConductOwner {
  readonly clock: Clock;
  /** Whether errors are compared with other workers' answers; without retries they count by themselves. */
  readonly compares: boolean;
  /** Number of kinds of requests for which the worker is held back; each `Conduct` counts itself. */
  heldKinds: number;
  /** Whether another worker may be asked. */
  hasPeers(conduct: Conduct): boolean;
  /** The worker is to blame for another error; the owner compares it with its peers. */
  blamed(conduct: Conduct): void;
  /** The worker was taken out, or is back. */
  ejectionChanged(conduct: Conduct): void;
}

/** How one worker answers requests of one kind, and whether they go to others for a while. */
export class Conduct {
  readonly kind: string;
  readonly counts = new AnswerCounts();
  readonly #owner: ConductOwner;
  readonly #hold: Hold;
  #errorsInARow = 0;
  #blamedInARow = 0;
  #rowSinceMs = 0;
  #lastError = '';
  /** Requests that another worker is asked because this one gave an error. */
  #compared = 0;
  /** Whether the other workers' answers take too long. */
  #isOverdue = false;
  #cancelOverdue: (() => void) | undefined;
  #opinions = OPINIONS_AT_ONCE;
  #opinionsAtMs = 0;
  #isHeld = false;

  constructor(kind: string, owner: ConductOwner) {
    this.kind = kind;
    this.#owner = owner;
    this.#hold = new Hold(owner.clock, (call) => this.answered(call));
  }

  /** Errors since the last good answer. */
  get errorsInARow(): number {
    return this.#errorsInARow;
  }

  /** Errors in a row that the worker is to blame for. */
  get blamedInARow(): number {
    return this.#blamedInARow;
  }

  /** The last error, in a word. */
  get lastError(): string {
    return this.#lastError;
  }

  /** Why the worker was taken out; undefined if it was not. */
  get ejected(): string | undefined {
    return this.#hold.ejected;
  }

  /** How long until one request is let through. */
  get heldMs(): number {
    return this.#hold.leftMs;
  }

  /** Whether requests should go to other workers if possible. */
  get holds(): boolean {
    return this.#awaitsOthers || this.#hold.holds;
  }

  chosen(call: ChosenCall): void {
    if (!this.#awaitsOthers) this.#hold.chosen(call);
  }

  /** Whether an error in answer to the call should be compared with another worker's answer first. */
  doubts(call: ChosenCall): boolean {
    if (!this.#owner.compares || this.#isOverdue) return false;
    const doubted = this.#hold.isTrial(call) || (this.#errorsInARow >= DOUBTED_AFTER && this.#mayAskOthers());
    return doubted && this.#owner.hasPeers(this);
  }

  /** Another worker is asked what this one has just refused; until it answers, or takes too long, no requests come here. */
  comparing(): void {
    if (this.#compared++ === 0) this.#cancelOverdue = this.#owner.clock.after(OPINION_MS, () => this.#goOnAlone());
    this.#noteHeld();
  }

  /** Notes the result of a comparison. */
  compared(comparison: Comparison, wasAwaited: boolean): void {
    if (wasAwaited && --this.#compared === 0) this.#endComparison();
    if (comparison === 'others_answer') this.#blame();
    this.#noteHeld();
  }

  /** A good answer to the call has begun. */
  answered(call: ChosenCall): void {
    if (call.startedMs >= this.#rowSinceMs) this.#endRow();
    if (this.#hold.sinceMs <= call.startedMs) this.#release();
  }

  ended(call: ChosenCall, end: WorkerCallEnd): void {
    const { evidence, status, retryAfterMs } = end;
    const wasTrial = this.#hold.isTrial(call);
    if (wasTrial) this.#hold.endTrial();
    if (evidence === 'none') return;
    if (evidence === 'busy') {
      if (this.#hold.concerns(call)) this.#hold.busy(retryAfterMs);
      this.#noteHeld();
      return;
    }
    this.counts.answer(this.#owner.clock.now());
    if (evidence === 'good') {
      this.answered(call);
      return;
    }
    if (this.#errorsInARow++ === 0) this.#rowSinceMs = call.startedMs;
    this.#lastError = status === undefined ? 'no answer' : String(status);
    if (wasTrial && this.#isOverdue) this.rest();
    else if (this.#countsByItself(evidence, end, wasTrial)) this.#blame();
  }

  /** Holds the worker back for a moment, longer each time. */
  rest(): void {
    this.#hold.rest();
    this.#noteHeld();
  }

  /** Takes the worker out, or for longer if it is out. */
  eject(reason: string): void {
    const isNew = this.ejected === undefined;
    this.#hold.eject(reason);
    this.#noteHeld();
    if (isNew) this.#owner.ejectionChanged(this);
  }

  /** Forgets everything, as a new process runs at the address. */
  reset(): void {
    this.counts.clear();
    this.#endRow();
    this.#isOverdue = this.#compared > 0;
    this.#release();
  }

  close(): void {
    this.#cancelOverdue?.();
    this.#hold.close();
  }

  get #awaitsOthers(): boolean {
    return this.#compared > 0 && !this.#isOverdue;
  }

  /** Lets one request through at a time until one is answered well, as after any rest. */
  #goOnAlone(): void {
    this.#isOverdue = true;
    this.rest();
  }

  #endComparison(): void {
    this.#cancelOverdue?.();
    this.#isOverdue = false;
  }

  /** Whether an error counts without a comparison; one that is the request's fault never does. */
  #countsByItself(evidence: Evidence, { broke, repeated }: WorkerCallEnd, wasTrial: boolean): boolean {
    if (evidence === 'complaint' || repeated) return false;
    return broke || wasTrial || !this.#owner.compares;
  }

  #blame(): void {
    this.#blamedInARow++;
    this.counts.blame(this.#owner.clock.now());
    // A request sent before the worker was held back says nothing new.
    if (this.heldMs === 0) this.#owner.blamed(this);
  }

  #mayAskOthers(): boolean {
    const nowMs = this.#owner.clock.now();
    const refilled = ((nowMs - this.#opinionsAtMs) * OPINIONS_A_SECOND) / 1_000;
    this.#opinions = Math.min(OPINIONS_AT_ONCE, this.#opinions + refilled);
    this.#opinionsAtMs = nowMs;
    if (this.#opinions < 1) return false;
    this.#opinions--;
    return true;
  }

  #endRow(): void {
    this.#errorsInARow = 0;
    this.#blamedInARow = 0;
  }

  #release(): void {
    const wasOut = this.ejected !== undefined;
    this.#hold.release();
    this.#noteHeld();
    if (!wasOut) return;
    this.counts.clear();
    this.#endRow();
    this.#owner.ejectionChanged(this);
  }

  #noteHeld(): void {
    const isHeld = this.#compared > 0 || this.#hold.isSet;
    if (isHeld !== this.#isHeld) this.#owner.heldKinds += isHeld ? 1 : -1;
    this.#isHeld = isHeld;
  }
}
