import { AnswerCounts } from './answer-counts.ts';
import type { ChosenCall, Comparison, Evidence, WorkerCallEnd } from './call.ts';
import type { Clock } from './clock.ts';
import { Hold } from './hold.ts';

/** After so many errors in a row another worker is asked what it says to the next. */
const DOUBTED_AFTER = 2;
/** So often at most: a client that sends nothing but bad requests must not have each of them sent twice. */
const OPINIONS_AT_ONCE = 8;
const OPINIONS_A_SECOND = 10;
/** Another worker that says nothing for so long may hang, or make a long answer: this one may prove by itself that it is well. */
const OPINION_MS = 500;

/** What a conduct needs of its worker, and tells it. */
export interface ConductOwner {
  readonly clock: Clock;
  /** Errors are compared with what other workers say to the same request; else, without retries, they count by themselves. */
  readonly compares: boolean;
  /** Kinds of requests for which it is held back; kept by each `Conduct`. */
  heldKinds: number;
  /** Whether another worker may be asked. */
  hasPeers(conduct: Conduct): boolean;
  /** It is to blame for another error: whoever can compare it with its peers decides what follows. */
  blamed(conduct: Conduct): void;
  /** It was taken out, or is back. */
  ejectionChanged(conduct: Conduct): void;
}

/** How one worker deals with requests of one kind, and whether requests go to others for a while. */
export class Conduct {
  readonly kind: string;
  readonly counts = new AnswerCounts();
  readonly #owner: ConductOwner;
  readonly #hold: Hold;
  #errorsInARow = 0;
  #blamedInARow = 0;
  #rowSinceMs = 0;
  #lastError = '';
  /** Requests that another worker is asked for because this one gave an error. */
  #compared = 0;
  /** What others say to those is too long in coming. */
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

  /** Those of them that it is to blame for. */
  get blamedInARow(): number {
    return this.#blamedInARow;
  }

  /** What its last error was, in a word. */
  get lastError(): string {
    return this.#lastError;
  }

  /** Why it was taken out; undefined where it was not. */
  get ejected(): string | undefined {
    return this.#hold.ejected;
  }

  /** How long until one request is let through. */
  get heldMs(): number {
    return this.#hold.leftMs;
  }

  /** No request should be sent there now, while others may be. */
  get holds(): boolean {
    return this.#awaitsOthers || this.#hold.holds;
  }

  chosen(call: ChosenCall): void {
    if (!this.#awaitsOthers) this.#hold.chosen(call);
  }

  /** Whether an error in answer to the call is not to be believed before another worker was asked the same. */
  doubts(call: ChosenCall): boolean {
    if (!this.#owner.compares || this.#isOverdue) return false;
    const doubted = this.#hold.isTrial(call) || (this.#errorsInARow >= DOUBTED_AFTER && this.#mayAskOthers());
    return doubted && this.#owner.hasPeers(this);
  }

  /** Another worker is asked for what this one has just refused; no more requests go here until that is known, or overdue. */
  comparing(): void {
    if (this.#compared++ === 0) this.#cancelOverdue = this.#owner.clock.after(OPINION_MS, () => this.#goOnAlone());
    this.#noteHeld();
  }

  /** What came of that. */
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

  /** Left alone for a moment, longer each time. */
  rest(): void {
    this.#hold.rest();
    this.#noteHeld();
  }

  /** Taken out, or for longer where it is out. */
  eject(reason: string): void {
    const isNew = this.ejected === undefined;
    this.#hold.eject(reason);
    this.#noteHeld();
    if (isNew) this.#owner.ejectionChanged(this);
  }

  /** A new process on that address: nothing of the old one counts. */
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

  /** One request at a time is let through until one is answered well, as after any rest. */
  #goOnAlone(): void {
    this.#isOverdue = true;
    this.rest();
  }

  #endComparison(): void {
    this.#cancelOverdue?.();
    this.#isOverdue = false;
  }

  /** Where nobody else is asked. A request that is wrong in itself never does. */
  #countsByItself(evidence: Evidence, { broke, repeated }: WorkerCallEnd, wasTrial: boolean): boolean {
    if (evidence === 'complaint' || repeated) return false;
    return broke || wasTrial || !this.#owner.compares;
  }

  #blame(): void {
    this.#blamedInARow++;
    this.counts.blame(this.#owner.clock.now());
    // What was sent before it was held back says nothing new.
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
