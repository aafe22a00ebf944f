import type { IncomingHttpHeaders } from 'node:http';
import type { Fields, Level } from '../../observe/log/line.ts';
import type { HistogramCounts } from '../../observe/metrics/series.ts';
import type { CallTarget, ChoiceDescription } from '../assignment.ts';
import type { Usage } from '../outcome.ts';
import type { RequestEnd, RequestFacts } from '../scheduling.ts';
import type { PortableError } from './portable-error.ts';
import type { PortableHints } from './portable-hints.ts';

/** How a call or an attempt ended; an error in it is portable. */
export type PortableOutcome =
  | { readonly kind: 'answered'; readonly status: number }
  | { readonly kind: 'client_gone' }
  | { readonly kind: 'rejected'; readonly status: number; readonly retryAfterMs: number | undefined }
  | {
      readonly kind: 'failed';
      readonly error: PortableError;
      readonly started: boolean;
      readonly sent: boolean;
      readonly blameless: boolean;
    };

export interface PortableFacts extends Omit<RequestFacts, 'found' | 'hints'> {
  readonly hints: PortableHints;
}

/** A target without its connections, which each thread has of its own. */
export type PortableTarget = Omit<CallTarget, 'client'>;

export interface PortableCall {
  readonly target: PortableTarget;
  readonly choice: ChoiceDescription;
  readonly traceparent: string | undefined;
}

export interface PortableAssignment {
  readonly retries: number;
  /** When the request's time is over. */
  readonly deadlineMs: number;
  readonly calls: readonly PortableCall[];
}

/**
 * From a data thread to the scheduler. `request` numbers the requests of a thread, `call` the calls of a request, from 0.
 * Times are as `inProcessTime` has them: each thread's `performance.now()` may begin by itself, and `Date.now()` jumps when somebody sets the clock.
 */
export type ToScheduler =
  | {
      readonly kind: 'begin';
      readonly request: number;
      readonly id: string;
      readonly method: string;
      readonly url: string;
      readonly startedMs: number;
      readonly headers: IncomingHttpHeaders;
      readonly isServed: boolean;
    }
  | { readonly kind: 'checkRoom'; readonly request: number; readonly last: boolean }
  | { readonly kind: 'assign'; readonly request: number; readonly facts: PortableFacts }
  | { readonly kind: 'again'; readonly request: number; readonly call: number; readonly outcome: PortableOutcome }
  | { readonly kind: 'next'; readonly request: number }
  | { readonly kind: 'left'; readonly request: number }
  | { readonly kind: 'leave'; readonly request: number }
  /** `calls` is how many calls the thread has heard of. */
  | { readonly kind: 'end'; readonly request: number; readonly end: RequestEnd; readonly calls: number }
  | {
      readonly kind: 'waits';
      readonly request: number;
      readonly call: number;
      readonly bodyBytes: number;
      readonly streams: boolean;
    }
  | { readonly kind: 'waitsNoMore'; readonly request: number; readonly call: number; readonly answered: boolean }
  | { readonly kind: 'goesElsewhere'; readonly request: number; readonly call: number; readonly status: number }
  | {
      readonly kind: 'head';
      readonly request: number;
      readonly call: number;
      readonly status: number;
      readonly streams: boolean;
      readonly retryAfter: string | undefined;
    }
  | { readonly kind: 'errorEvent'; readonly request: number; readonly call: number; readonly status: number }
  | { readonly kind: 'tunnel'; readonly request: number; readonly call: number }
  | { readonly kind: 'firstByte'; readonly request: number; readonly call: number; readonly bytes: number }
  | { readonly kind: 'moved'; readonly request: number; readonly call: number; readonly pieces: number }
  | { readonly kind: 'stores'; readonly request: number; readonly call: number; readonly id: string }
  | {
      readonly kind: 'ended';
      readonly request: number;
      readonly call: number;
      readonly outcome: PortableOutcome;
      readonly usage: Usage;
      readonly cachedAtPrefill: number | undefined;
      readonly bytes: number;
      readonly gaps: HistogramCounts | undefined;
    }
  | {
      readonly kind: 'own';
      readonly request: number;
      readonly method: string;
      readonly url: string;
      readonly headers: IncomingHttpHeaders;
      readonly last: boolean;
    }
  | { readonly kind: 'ownBody'; readonly request: number; readonly body: Uint8Array | PortableError }
  | { readonly kind: 'ownDrained' | 'ownFlushed' | 'ownGone'; readonly request: number }
  | { readonly kind: 'connections'; readonly count: number }
  | { readonly kind: 'log'; readonly level: Level; readonly message: string; readonly fields: Fields | undefined }
  | { readonly kind: 'listening' }
  | { readonly kind: 'notListening'; readonly error: PortableError }
  | { readonly kind: 'lastAwaited'; readonly isAwaited: boolean };

/** From the scheduler to a data thread. */
export type ToDataThread =
  | { readonly kind: 'room'; readonly request: number; readonly refusal: PortableError | undefined }
  | {
      readonly kind: 'assigned';
      readonly request: number;
      readonly assignment: PortableAssignment | PortableError | undefined;
    }
  | { readonly kind: 'nextCall'; readonly request: number; readonly call: PortableCall | PortableError }
  | { readonly kind: 'decided'; readonly request: number; readonly call: number; readonly goesElsewhere: boolean }
  | { readonly kind: 'abandon'; readonly request: number; readonly call: number; readonly reason: string }
  | { readonly kind: 'shared'; readonly closed: PortableError | undefined; readonly severalModels: boolean }
  | { readonly kind: 'closeServer'; readonly serverId: number; readonly error: PortableError | undefined }
  | { readonly kind: 'ownWantsBody'; readonly request: number; readonly maxBytes: number }
  | {
      readonly kind: 'ownHead';
      readonly request: number;
      readonly status: number;
      readonly text: string | undefined;
      readonly headers: readonly string[];
      readonly length: number | undefined;
    }
  | { readonly kind: 'ownWrite'; readonly request: number; readonly chunk: Uint8Array }
  | { readonly kind: 'ownEnd'; readonly request: number; readonly chunk: Uint8Array | undefined }
  | { readonly kind: 'ownCut' | 'ownClose' | 'ownRelease'; readonly request: number }
  | { readonly kind: 'ownDone'; readonly request: number; readonly errorCode: string | undefined }
  | { readonly kind: 'listen'; readonly host: string; readonly port: number }
  | { readonly kind: 'leave' | 'close' }
  | { readonly kind: 'awaitsLast'; readonly ms: number };
