import type { IncomingHttpHeaders } from 'node:http';
import type { Endpoint } from '../http/endpoint.ts';
import { requestHeaders } from '../http/headers.ts';
import { VIA, viaOf } from '../http/instance.ts';
import { originForm, pathOf } from '../http/path.ts';
import { REQUEST_ID } from '../http/request-id.ts';
import type { Controller, ExchangeHandler, Tunnel } from '../http/upstream/worker-client.ts';
import type { Lease } from '../scheduler/lease.ts';
import type { Hints } from '../scheduler/policies/policy.ts';
import { isRetryable, retryAfterMs, type Tries } from '../scheduler/retry.ts';
import type { Target, WaitingCall } from '../scheduler/target.ts';
import { isDoubtful } from '../scheduler/verdict.ts';
import { Deadlines, type Timeouts } from './deadlines.ts';
import type { Exchange } from './exchange.ts';
import { failed, failureOf, thrown } from './failure.ts';
import { clientLocation } from './location.ts';
import { Opening, type Told } from './opening.ts';
import type { Outcome } from './outcome.ts';
import { withRankHeader } from './rank.ts';
import type { Sink } from './sink.ts';
import { silent } from './timeout.ts';
import { ToWorker } from './to-worker.ts';

/** How one call to a worker ended, when, and whether a byte of an answer had come. */
export interface Called {
  readonly outcome: Outcome;
  readonly answerBegan: boolean;
  readonly tookMs: number;
}

/** What is read of an answer that nobody gets, so that its connection can be used again. */
const DISCARDED_BYTES = 64 * 1024;
const DISCARDED_MS = 1_000;
/** For so long the beginning of a stream is kept back that may still turn out to be an error: servers refuse at once. */
const OPENING_MS = 1_000;

/** What is sent to one worker, for whom, and where its answer goes. */
export interface Sending {
  readonly lease: Lease;
  readonly exchange: Exchange;
  readonly endpoint: Endpoint;
  /** The client's, or with fields of ours in it. */
  readonly body: Buffer;
  readonly sink: Sink;
  /** Over a connection that has not served before. */
  readonly fresh: boolean;
  readonly hints: Hints;
  readonly tries: Tries;
  readonly timeouts: Timeouts;
}

/** A call under way. */
export interface Dispatched {
  /** Resolves when it has ended, however it did. */
  readonly called: Promise<Called>;
  /** Ends it from our side with that outcome: the worker's connection closes now. */
  end(outcome: Outcome): void;
}

/** Sends a request to the worker of the lease and passes the answer on. */
export function dispatch(sending: Sending): Dispatched {
  const { lease, exchange, body, fresh, sink } = sending;
  const target = lease.choice.candidate;
  const { request } = exchange;
  const prepared = {
    path: target.basePath + workerPath(originForm(request.url), sending.endpoint),
    method: request.method,
    headers: withRankHeader(requestHeaders(request.headers, ownHeaders(sending)), target.rank),
    body: body.length > 0 ? body : null,
    fresh,
    upgrade: sink.tunnel ? request.upgrade : undefined,
  };
  // From here on it is counted as waiting: nothing may throw without ending it.
  const call = new Call(sending);
  try {
    target.client.dispatch(prepared, call);
  } catch (error) {
    call.end(failed(thrown(error), false, false));
  }
  return call;
}

/** What stands in place of the client's own. */
function ownHeaders({ lease, exchange: { observed, request } }: Sending): string[] {
  const { authorization } = lease.choice.candidate;
  const { traceparent } = lease.observed;
  const own = [REQUEST_ID, observed.record.id, VIA, viaOf(request.headers)];
  if (authorization !== undefined) own.push('authorization', authorization);
  if (traceparent !== undefined) own.push('traceparent', traceparent);
  return own;
}

/** The path and query under which workers serve it. */
function workerPath(url: string, { sentAs }: Endpoint): string {
  return sentAs === undefined ? url : sentAs + url.slice(pathOf(url).length);
}

/** One call to a worker, as its client drives it. */
class Call implements ExchangeHandler, WaitingCall, Dispatched {
  before: WaitingCall | undefined;
  after: WaitingCall | undefined;
  readonly startedMs = performance.now();
  readonly bodyBytes: number;
  /** The answer has begun and goes to the client in the chunks in which it comes. */
  passesChunks = false;
  readonly called: Promise<Called>;
  readonly #lease: Lease;
  readonly #target: Target;
  readonly #exchange: Exchange;
  readonly #hints: Hints;
  readonly #tries: Tries;
  readonly #sink: Sink;
  readonly #resolve: (called: Called) => void;
  readonly #deadlines: Deadlines;
  #controller: Controller | undefined;
  #status = 0;
  #answerBegan = false;
  /** Reads the beginning of a stream, while that may be an error; what came of it is kept back. */
  #opening: Opening | undefined;
  #kept: Buffer[] = [];
  #openingTimer: NodeJS.Timeout | undefined;
  #waiting = true;
  #paused = false;
  #over = false;
  /** Bytes of an answer for nobody that may still be read. */
  #discarding = 0;

  constructor({ lease, exchange, body, sink, hints, tries, timeouts }: Sending) {
    const { promise, resolve } = Promise.withResolvers<Called>();
    this.called = promise;
    this.bodyBytes = body.length;
    this.#lease = lease;
    this.#target = lease.choice.candidate;
    this.#exchange = exchange;
    this.#hints = hints;
    this.#tries = tries;
    this.#sink = sink;
    this.#resolve = resolve;
    this.#deadlines = new Deadlines(this, timeouts, exchange.deadlineMs, (error) => this.#stop(error));
    this.#target.waits(this);
  }

  /** What was asked for; once an answer has begun, what it is. */
  get streams(): boolean {
    return this.#status > 0 ? this.#lease.streams : (this.#hints.streams ?? false);
  }

  get url(): string {
    return this.#target.url;
  }

  /** Whether the first byte of an answer's body has not come yet. */
  get waiting(): boolean {
    return this.#waiting;
  }

  /** Whether the client holds the answer back, not the worker. */
  get paused(): boolean {
    return this.#paused;
  }

  abandon(reason: string): void {
    if (this.#waiting) this.#stop(silent(this.url, reason));
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.#over) controller.abort(new Error('not wanted any more'));
  }

  onResponseStarted(): void {
    this.#answerBegan = true;
  }

  // Whatever is thrown in the next four is no fault of the connection, which would hand it back as the worker's.

  onResponseStart(_: Controller, status: number, headers: IncomingHttpHeaders, statusText?: string): void {
    if (status < 200) return;
    try {
      this.#head(status, headers, statusText);
    } catch (error) {
      this.#stop(thrown(error));
    }
  }

  onSwitch(tunnel: Tunnel, protocol: string, headers: IncomingHttpHeaders): void {
    this.#controller = tunnel;
    if (this.#over) {
      tunnel.abort(new Error('not wanted any more'));
      return;
    }
    try {
      this.#status = 101;
      this.#lease.tunnel();
      this.#begins();
      this.#deadlines.tunnel();
      const upstream = new ToWorker(tunnel, this.#deadlines, this.#exchange.observed.record);
      this.#sink.tunnel?.(protocol, headers, this.#lease, upstream);
    } catch (error) {
      this.#stop(thrown(error));
    }
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    try {
      if (this.#over) this.#discard(chunk);
      else this.#data(controller, chunk);
    } catch (error) {
      this.#stop(thrown(error));
    }
  }

  onResponseChunks(controller: Controller, coded: Buffer, bytes: number, count: number): void {
    try {
      this.#target.activity++;
      this.#deadlines.chunks++;
      this.#lease.chunks(coded, bytes, count);
      if (!this.#sink.chunks?.(coded)) this.#pause(controller);
    } catch (error) {
      this.#stop(thrown(error));
    }
  }

  onResponseEnd(): void {
    this.#deadlines.clear();
    if (this.#over) return;
    try {
      this.#end();
    } catch (error) {
      this.#stop(thrown(error));
    }
  }

  onResponseError(_: Controller, error: Error): void {
    this.#deadlines.clear();
    if (this.#over) return;
    this.#finish(failed(error, this.#sink.started, this.#controller !== undefined));
  }

  #head(status: number, headers: IncomingHttpHeaders, statusText: string | undefined): void {
    if (this.#goesElsewhere(status)) {
      this.#lease.observed.head(status, false);
      this.#reject(status, retryAfterMs(headers['retry-after']));
      return;
    }
    this.#status = status;
    this.#exchange.bodyIsSent = this.#controller?.requestIsSent ?? false;
    this.#lease.head(status, headers);
    this.#sink.head(status, statusText, this.#forClient(headers), this.#lease);
    if (this.#lease.readable && status < 300) this.#opening = new Opening();
  }

  #forClient(headers: IncomingHttpHeaders): IncomingHttpHeaders {
    const { location } = headers;
    return location === undefined ? headers : { ...headers, location: clientLocation(location, this.#target.url) };
  }

  #data(controller: Controller, chunk: Buffer): void {
    this.#target.activity++;
    this.#deadlines.chunks++;
    if (this.#opening) this.#open(chunk, this.#opening.see(chunk));
    else if (!this.#pass(chunk)) this.#pause(controller);
  }

  #end(): void {
    if (this.#opening) this.#open(undefined, this.#opening.end());
    if (this.#over) {
      // Rejected: nothing is left to be read.
      this.#deadlines.clear();
      return;
    }
    if (this.#waiting) this.#begins();
    this.#sink.end();
    this.#finish({ kind: 'answered', status: this.#lease.errorAtEnd() ?? this.#status });
  }

  /** The beginning of a stream has told so much: it is kept back, refused, or passed on. */
  #open(chunk: Buffer | undefined, told: Told): void {
    if (chunk) this.#kept.push(chunk);
    if (told === 'nothing') {
      this.#openingTimer ??= setTimeout(() => this.#openAnyway(), OPENING_MS);
      return;
    }
    this.#closeOpening();
    if (told !== 'good') {
      this.#lease.refused(told);
      if (this.#goesElsewhere(told)) {
        this.#reject(told, undefined);
        return;
      }
      this.#status = told;
    }
    const kept = this.#kept;
    this.#kept = [];
    let drained = true;
    for (const each of kept) drained = this.#pass(each);
    if (!drained && this.#controller) this.#pause(this.#controller);
  }

  #openAnyway(): void {
    try {
      this.#open(undefined, 'good');
    } catch (error) {
      this.#stop(thrown(error));
    }
  }

  #closeOpening(): void {
    this.#opening = undefined;
    clearTimeout(this.#openingTimer);
  }

  /** Hands some of the answer on; false when no more should come. */
  #pass(chunk: Buffer): boolean {
    const isFirst = this.#waiting;
    if (isFirst) this.#begins();
    this.#lease.data(chunk);
    const goesOn = this.#sink.data(chunk);
    if (isFirst) this.passesChunks = this.#lease.passesChunks && (this.#sink.passesChunks ?? false);
    return goesOn;
  }

  #pause(controller: Controller): void {
    controller.pause();
    this.#paused = true;
    this.#sink.whenDrained(() => {
      this.#paused = false;
      controller.resume();
    });
  }

  /** Whether another attempt follows an answer with that status. */
  #goesElsewhere(status: number): boolean {
    const doubted = isDoubtful(status) && this.#tries.retries === 0 && this.#lease.isDoubted;
    if (!(doubted || isRetryable(status)) || !this.#tries.permit()) return false;
    if (doubted) this.#lease.compare();
    return true;
  }

  /** Another attempt follows: what is left of this answer is read, a little and not for long, for the connection's sake. */
  #reject(status: number, waitMs: number | undefined): void {
    this.#target.activity++;
    this.#finish({ kind: 'rejected', status, retryAfterMs: waitMs });
    this.#discarding = DISCARDED_BYTES;
    this.#deadlines.allow(DISCARDED_MS, () => this.#controller?.abort(new Error('too long for nobody')));
  }

  #discard(chunk: Buffer): void {
    this.#discarding -= chunk.length;
    if (this.#discarding < 0) this.#controller?.abort(new Error('too much for nobody'));
  }

  /** Ends the call from our side with an error of ours. A worker is not to blame for an answer that is long, nor for the time that others took. */
  #stop(error: Error): void {
    const outcome = failed(error, this.#sink.started, this.#controller !== undefined);
    const isLate = this.#exchange.overdue && (!this.#waiting || this.#tries.retries > 0);
    this.end({ ...outcome, blameless: outcome.blameless || isLate });
  }

  /** Ends the call from our side: the worker's connection closes now, and whoever waits goes on now. */
  end(outcome: Outcome): void {
    if (this.#over) return;
    this.#finish(outcome);
    this.#controller?.abort(new Error('not wanted any more'));
  }

  /** The answer is the client's, or aside of it. */
  #begins(): void {
    const isGood = this.#status < 400;
    this.#waitsNoMore(isGood);
    if (isGood && !this.#lease.aside) this.#tries.compare('others_answer');
  }

  /** Errors come fast: they do not tell how long an answer takes. */
  #waitsNoMore(answered: boolean): void {
    this.#waiting = false;
    this.#target.waitsNoMore(this, answered);
  }

  #finish(outcome: Outcome): void {
    this.#over = true;
    this.passesChunks = false;
    this.#deadlines.clear();
    this.#closeOpening();
    if (this.#waiting) this.#waitsNoMore(false);
    this.#resolve({ outcome, answerBegan: this.#answerBegan, tookMs: performance.now() - this.startedMs });
    if (outcome.kind === 'failed' && outcome.started) this.#sink.breakOff(failureOf(outcome, this.#target));
  }
}
