import type { WaitingCall } from '../../fleet/call.ts';
import { Histogram } from '../../observe/metrics/series.ts';
import { StreamPace } from '../../observe/metrics/stream-pace.ts';
import {
  type AssignedCall,
  type CallEnd,
  type CallReport,
  type CallTarget,
  type ChoiceDescription,
  NOT_SENT,
} from '../assignment.ts';
import { isDoubtful, isRetryable } from '../statuses.ts';
import type { Sender } from './batch-port.ts';
import type { PortableCall, ToScheduler } from './messages.ts';
import { portableOutcome } from './portable-outcome.ts';

/** How often a moving stream is reported; hanging servers are looked for once a second. */
const MOVED_MS = 250;

interface RemoteCallParts {
  readonly scheduler: Sender<ToScheduler>;
  readonly gapBounds: readonly number[];
}

interface Place {
  readonly request: number;
  readonly call: number;
}

/** A call that another thread's scheduler assigned. It reports a stream's beginning and end to it, not each chunk. */
export class RemoteCall implements AssignedCall, CallReport {
  readonly target: CallTarget;
  readonly choice: ChoiceDescription;
  readonly traceparent: string | undefined;
  /** Written out in each message because spreading an object costs as much as the rest. */
  readonly #request: number;
  readonly #call: number;
  readonly #parts: RemoteCallParts;
  #waiting: WaitingCall | undefined;
  #decision: PromiseWithResolvers<boolean> | undefined;
  #gaps: Histogram | undefined;
  #pace: StreamPace | undefined;
  #isSent = false;
  #hasBegun = false;
  /** Bytes after the first piece, which was reported by itself. */
  #bytes = 0;
  #pieces = 0;
  #toldMovedMs = 0;

  constructor(
    { choice, traceparent }: PortableCall,
    target: CallTarget,
    { request, call }: Place,
    parts: RemoteCallParts,
  ) {
    this.target = target;
    this.choice = choice;
    this.traceparent = traceparent;
    this.#request = request;
    this.#call = call;
    this.#parts = parts;
  }

  get report(): CallReport {
    return this;
  }

  waits(call: WaitingCall): void {
    this.#waiting = call;
    // The scheduler counts the first transmission as waiting from the assignment on.
    if (!this.#isSent) {
      this.#isSent = true;
      return;
    }
    const { bodyBytes, streams } = call;
    this.#parts.scheduler.send({ kind: 'waits', request: this.#request, call: this.#call, bodyBytes, streams });
  }

  waitsNoMore(_: WaitingCall, answered: boolean): void {
    this.#waiting = undefined;
    this.#parts.scheduler.sendSoon({ kind: 'waitsNoMore', request: this.#request, call: this.#call, answered });
  }

  goesElsewhere(status: number): boolean | Promise<boolean> {
    if (!isRetryable(status) && !isDoubtful(status)) return false;
    this.#decision = Promise.withResolvers();
    this.#parts.scheduler.send({ kind: 'goesElsewhere', request: this.#request, call: this.#call, status });
    return this.#decision.promise;
  }

  head(status: number, streams: boolean, retryAfter: string | undefined): void {
    if (streams) {
      this.#gaps = new Histogram(this.#parts.gapBounds);
      this.#pace = new StreamPace(this.#gaps);
    }
    this.#parts.scheduler.sendSoon({
      kind: 'head',
      request: this.#request,
      call: this.#call,
      status,
      streams,
      retryAfter,
    });
  }

  errorEvent(status: number): void {
    this.#parts.scheduler.sendSoon({ kind: 'errorEvent', request: this.#request, call: this.#call, status });
  }

  tunnel(): void {
    this.#hasBegun = true;
    this.#parts.scheduler.send({ kind: 'tunnel', request: this.#request, call: this.#call });
  }

  moved(): void {
    this.#pieces++;
    // The clock is read for every eighth piece only.
    if ((this.#pieces & 7) !== 1) return;
    const nowMs = performance.now();
    if (nowMs - this.#toldMovedMs < MOVED_MS) return;
    this.#toldMovedMs = nowMs;
    this.#parts.scheduler.sendSoon({ kind: 'moved', request: this.#request, call: this.#call, pieces: this.#pieces });
    this.#pieces = 0;
  }

  data(bytes: number, chunks = 1): void {
    this.#pace?.chunk(performance.now(), chunks);
    if (this.#hasBegun) {
      this.#bytes += bytes;
      return;
    }
    this.#hasBegun = true;
    const firstByte = { kind: 'firstByte', request: this.#request, call: this.#call, bytes } as const;
    // Only a stream's first byte is urgent: the end of any other answer follows at once.
    if (this.#pace) this.#parts.scheduler.send(firstByte);
    else this.#parts.scheduler.sendSoon(firstByte);
  }

  stores(id: string): void {
    this.#parts.scheduler.send({ kind: 'stores', request: this.#request, call: this.#call, id });
  }

  ended({ outcome, usage, cachedAtPrefill }: CallEnd): void {
    this.#isSent = true;
    const gaps = this.#gaps && { counts: [...this.#gaps.counts], sum: this.#gaps.sum };
    const ended = { outcome: portableOutcome(outcome), usage, cachedAtPrefill, bytes: this.#bytes, gaps };
    this.#parts.scheduler.sendSoon({ kind: 'ended', request: this.#request, call: this.#call, ...ended });
  }

  /** Ends a call that was never sent, which the scheduler counts since its assignment. */
  giveBack(): void {
    if (!this.#isSent) this.ended(NOT_SENT);
  }

  /** The scheduler has decided whether another attempt follows. */
  decided(goesElsewhere: boolean): void {
    this.#decision?.resolve(goesElsewhere);
  }

  /** The scheduler found the worker to hang. */
  abandon(reason: string): void {
    this.#waiting?.abandon(reason);
  }
}
