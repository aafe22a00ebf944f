import type { IncomingHttpHeaders } from 'node:http';
import { silent } from '../errors/timeouts.ts';
import type { WaitingCall } from '../fleet/call.ts';
import { retryAfterMs } from '../http/retry-after.ts';
import type { CallHandler, Controller, Tunnel } from '../http/upstream/worker-client.ts';
import type { CallReport } from '../link/assignment.ts';
import { failed, failureOf, thrown } from '../link/failure.ts';
import type { Outcome } from '../link/outcome.ts';
import type { AnswerReader } from './answer-reader.ts';
import { Deadlines } from './deadlines.ts';
import { clientLocation } from './location.ts';
import type { AnswerInfo, Sink } from './sink.ts';
import { type OpeningState, StreamOpening } from './stream-opening.ts';
import { TunnelToWorker } from './tunnel-to-worker.ts';
import { type SentCall, workerRequest } from './worker-request.ts';

/** The call to a worker that is transmitted. */
export interface TransmittedCall extends SentCall, AnswerInfo {
  readonly answer: AnswerReader;
  readonly report: CallReport;
  /** Attempts at the request before this one. */
  readonly retries: number;
  /** On the clock of `performance.now()`. */
  readonly deadlineMs: number;
}

/** How one transmission ended, when, and whether a byte of an answer had come. */
export interface TransmissionEnd {
  readonly outcome: Outcome;
  readonly answerBegan: boolean;
  readonly tookMs: number;
}

/** Bytes and time for reading an unwanted answer to its end, so that its connection can be reused. */
const DISCARDED_BYTES = 64 * 1024;
const DISCARDED_MS = 1_000;
/** Longest time that the beginning of a stream is kept back: servers that refuse do so at once. */
const OPENING_MS = 1_000;
/** The status of an answer that makes the connection a tunnel. */
const SWITCHED = 101;

/** A request over one connection to a worker and its answer, as the worker's client drives it. */
export class Transmission implements CallHandler, WaitingCall {
  before: WaitingCall | undefined;
  after: WaitingCall | undefined;
  readonly startedMs = performance.now();
  readonly bodyBytes: number;
  /** Whether the answer goes on to the client in the chunks in which it comes. */
  passesChunks = false;
  /** Resolves when the transmission has ended, however it did. */
  readonly whenEnded: Promise<TransmissionEnd>;
  readonly #call: TransmittedCall;
  readonly #sink: Sink;
  readonly #resolve: (end: TransmissionEnd) => void;
  /** Set when it starts. */
  #deadlines!: Deadlines;
  #controller: Controller | undefined;
  #status = 0;
  #answerBegan = false;
  /** Reads a stream while its beginning may be an error and is kept back; undefined otherwise. */
  #opening: StreamOpening | undefined;
  #openingTimer: NodeJS.Timeout | undefined;
  #kept: Buffer[] = [];
  /** Events that wait while the scheduler decides whether the client gets the answer; usually undefined. */
  #held: (() => void)[] | undefined;
  #waiting = true;
  #paused = false;
  /** Whether the stream's first event is an error. */
  #refused = false;
  #over = false;
  /** Bytes of an unwanted answer that may still be read. */
  #discarding = 0;

  constructor(call: TransmittedCall, bodyBytes: number, sink: Sink) {
    const { promise, resolve } = Promise.withResolvers<TransmissionEnd>();
    this.whenEnded = promise;
    this.bodyBytes = bodyBytes;
    this.#call = call;
    this.#sink = sink;
    this.#resolve = resolve;
  }

  /** Sends the request; `fresh` asks for a new connection. */
  start(body: Buffer, fresh: boolean): void {
    const { target, exchange } = this.#call;
    const request = workerRequest(this.#call, body, fresh, this.#sink.tunnel !== undefined);
    // Timers run and the call counts as waiting from here on, so an error must end it.
    this.#deadlines = new Deadlines(this, exchange.timeouts, this.#call.deadlineMs, (error) => this.#stop(error));
    this.#call.report.waits(this);
    try {
      target.client.dispatch(request, this);
    } catch (error) {
      this.end(failed(thrown(error), false, false));
    }
  }

  /** Whether a stream was asked for or, once an answer has begun, whether it is one. */
  get streams(): boolean {
    return this.#status > 0 ? this.#call.streams : (this.#call.exchange.hints.streams ?? false);
  }

  get url(): string {
    return this.#call.target.url;
  }

  /** Whether the first byte of an answer's body has not come yet. */
  get waiting(): boolean {
    return this.#waiting;
  }

  /** Whether a slow client holds the answer back. */
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

  // Errors in the next four are caught here, as the connection would blame the worker for them.

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
      this.#status = SWITCHED;
      this.#call.report.tunnel();
      this.#waitsNoMore(true);
      this.#deadlines.tunnel();
      const upstream = new TunnelToWorker(tunnel, this.#deadlines, this.#call.exchange);
      this.#sink.tunnel?.(protocol, headers, this.#call, upstream);
    } catch (error) {
      this.#stop(thrown(error));
    }
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.#held) {
      this.#held.push(() => this.onResponseData(controller, chunk));
      return;
    }
    try {
      if (this.#over) this.#discard(chunk);
      else this.#data(controller, chunk);
    } catch (error) {
      this.#stop(thrown(error));
    }
  }

  onResponseChunks(controller: Controller, coded: Buffer, bytes: number, count: number): void {
    try {
      const { answer, report } = this.#call;
      report.moved();
      this.#deadlines.chunks++;
      answer.seeChunks(coded);
      report.data(bytes, count);
      if (!this.#sink.chunks?.(coded)) this.#pause(controller);
    } catch (error) {
      this.#stop(thrown(error));
    }
  }

  onResponseEnd(): void {
    if (this.#held) {
      this.#held.push(() => this.onResponseEnd());
      return;
    }
    this.#deadlines.clear();
    if (this.#over) return;
    try {
      this.#end();
    } catch (error) {
      this.#stop(thrown(error));
    }
  }

  onResponseError(controller: Controller, error: Error): void {
    if (this.#held) {
      this.#held.push(() => this.onResponseError(controller, error));
      return;
    }
    this.#deadlines.clear();
    if (this.#over) return;
    this.#finish(failed(error, this.#sink.started, this.#controller !== undefined));
  }

  #head(status: number, headers: IncomingHttpHeaders, statusText: string | undefined): void {
    this.#decide(status, (goesElsewhere) => {
      if (goesElsewhere) this.#reject(status, retryAfterMs(headers['retry-after']));
      else this.#pass(status, headers, statusText);
    });
  }

  /** Asks whether another attempt follows this status; events that come meanwhile are held. */
  #decide(status: number, decided: (goesElsewhere: boolean) => void): void {
    const elsewhere = this.#call.report.goesElsewhere(status);
    if (typeof elsewhere === 'boolean') {
      decided(elsewhere);
      return;
    }
    this.#held = [];
    this.#controller?.pause();
    void elsewhere.then((goes) => {
      const held = this.#held ?? [];
      this.#held = undefined;
      try {
        if (!this.#over) decided(goes);
      } catch (error) {
        this.#stop(thrown(error));
      }
      if (!this.#paused) this.#controller?.resume();
      for (const event of held) event();
    });
  }

  /** Passes the answer on to the client. */
  #pass(status: number, headers: IncomingHttpHeaders, statusText: string | undefined): void {
    const call = this.#call;
    this.#status = status;
    call.exchange.bodyIsSent = this.#controller?.requestIsSent ?? false;
    call.answer.head(status, headers);
    call.report.head(status, call.streams, headers['retry-after']);
    this.#sink.head(status, statusText, this.#forClient(headers), call);
    if (call.answer.readable && status < 300) this.#opening = new StreamOpening();
  }

  #forClient(headers: IncomingHttpHeaders): IncomingHttpHeaders {
    const { location } = headers;
    return location === undefined ? headers : { ...headers, location: clientLocation(location, this.url) };
  }

  #data(controller: Controller, chunk: Buffer): void {
    this.#call.report.moved();
    this.#deadlines.chunks++;
    if (this.#opening) this.#open(chunk, this.#opening.see(chunk));
    else if (!this.#relay(chunk)) this.#pause(controller);
  }

  #end(): void {
    if (this.#opening) this.#open(undefined, this.#opening.end());
    if (this.#held) {
      this.#held.push(() => this.onResponseEnd());
      return;
    }
    if (this.#over) {
      // The answer was rejected, and nothing of it is left to read.
      this.#deadlines.clear();
      return;
    }
    if (this.#waiting) this.#waitsNoMore(this.#status < 400);
    this.#sink.end();
    this.#finish({ kind: 'answered', status: this.#errorAtEnd() ?? this.#status });
  }

  /** The status of an error event that ended the stream after its first event. */
  #errorAtEnd(): number | undefined {
    const status = this.#refused ? undefined : this.#call.answer.errorAtEnd();
    if (status !== undefined) this.#call.report.errorEvent(status);
    return status;
  }

  /** Acts on what the beginning of a stream told: keeps it back, refuses it, or passes it on. */
  #open(chunk: Buffer | undefined, told: OpeningState): void {
    if (chunk) this.#kept.push(chunk);
    if (told === 'nothing') {
      this.#openingTimer ??= setTimeout(() => this.#openAnyway(), OPENING_MS);
      return;
    }
    this.#closeOpening();
    if (told === 'good') {
      this.#passKept();
      return;
    }
    this.#refused = true;
    this.#call.report.errorEvent(told);
    this.#decide(told, (goesElsewhere) => {
      if (goesElsewhere) this.#reject(told, undefined);
      else {
        this.#status = told;
        this.#passKept();
      }
    });
  }

  #passKept(): void {
    const kept = this.#kept;
    this.#kept = [];
    let drained = true;
    for (const each of kept) drained = this.#relay(each);
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

  /** Passes some of the answer on; false when the client reads too slowly. */
  #relay(chunk: Buffer): boolean {
    const isFirst = this.#waiting;
    if (isFirst) this.#waitsNoMore(this.#status < 400);
    if (this.#status !== SWITCHED) this.#call.answer.see(chunk);
    this.#call.report.data(chunk.length);
    const goesOn = this.#sink.data(chunk);
    if (isFirst) this.passesChunks = this.#call.answer.passesChunks && (this.#sink.passesChunks ?? false);
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

  /** Another attempt follows: the rest of this answer is read briefly, so that the connection can be reused. */
  #reject(status: number, waitMs: number | undefined): void {
    this.#call.report.moved();
    this.#finish({ kind: 'rejected', status, retryAfterMs: waitMs });
    this.#discarding = DISCARDED_BYTES;
    this.#deadlines.allow(DISCARDED_MS, () => this.#controller?.abort(new Error('too long for nobody')));
  }

  #discard(chunk: Buffer): void {
    this.#discarding -= chunk.length;
    if (this.#discarding < 0) this.#controller?.abort(new Error('too much for nobody'));
  }

  /** Ends the transmission with an error of the router. The worker is not to blame for a long answer, nor for other attempts' time. */
  #stop(error: Error): void {
    const outcome = failed(error, this.#sink.started, this.#controller !== undefined);
    const isOverdue = performance.now() >= this.#call.deadlineMs;
    const isLate = isOverdue && (!this.#waiting || this.#call.retries > 0);
    this.end({ ...outcome, blameless: outcome.blameless || isLate });
  }

  /** Ends the transmission from our side and closes the worker's connection. */
  end(outcome: Outcome): void {
    if (this.#over) return;
    this.#finish(outcome);
    this.#controller?.abort(new Error('not wanted any more'));
  }

  /** The wait is over; `answered` by a good answer, as errors do not tell how long answers take. */
  #waitsNoMore(answered: boolean): void {
    this.#waiting = false;
    this.#call.report.waitsNoMore(this, answered);
  }

  #finish(outcome: Outcome): void {
    this.#over = true;
    this.passesChunks = false;
    this.#deadlines.clear();
    this.#closeOpening();
    if (this.#waiting) this.#waitsNoMore(false);
    this.#resolve({ outcome, answerBegan: this.#answerBegan, tookMs: performance.now() - this.startedMs });
    if (outcome.kind === 'failed' && outcome.started) this.#sink.breakOff(failureOf(outcome, this.#call.target));
  }
}
