import type { WaitingCall } from '../../fleet/call.ts';
import { findEndpoint } from '../../http/endpoints.ts';
import type { Log } from '../../observe/log/log.ts';
import { type AssignedCall, type Assignment, NOT_SENT } from '../assignment.ts';
import type { ScheduledRequest, Scheduling } from '../scheduling.ts';
import type { PortableCall, PortableFacts, ToDataThread, ToScheduler } from './messages.ts';
import { portable } from './portable-error.ts';
import { hintsOf } from './portable-hints.ts';
import { outcomeOf } from './portable-outcome.ts';
import { fromProcessTime, inProcessTime } from './process-clock.ts';

/** Messages of a data thread about its requests. */
type OfRequest = Exclude<
  ToScheduler,
  {
    kind:
      | 'own'
      | 'ownBody'
      | 'ownDrained'
      | 'ownFlushed'
      | 'ownGone'
      | 'connections'
      | 'log'
      | 'listening'
      | 'notListening'
      | 'lastAwaited';
  }
>;

type Sent = Pick<WaitingCall, 'bodyBytes' | 'streams'>;

interface LinkedRequest {
  bodyBytes: number;
  streams: boolean;
  readonly scheduled: ScheduledRequest;
  readonly path: string;
  assignment: Assignment | undefined;
  readonly calls: AssignedCall[];
  readonly waiting: (WaitingCall | undefined)[];
  /** Calls that have not ended; one to a prefill server may outlive its request. */
  readonly open: Set<number>;
  isEnded: boolean;
}

/** The scheduler's side of a data thread: does what its messages say, and answers them. */
export class ThreadLink {
  readonly #scheduling: Scheduling;
  readonly #send: (message: ToDataThread) => void;
  readonly #log: Log;
  readonly #requests = new Map<number, LinkedRequest>();

  constructor(scheduling: Scheduling, send: (message: ToDataThread) => void, log: Log) {
    this.#log = log;
    this.#scheduling = scheduling;
    this.#send = send;
  }

  /** The request of that number; undefined where it is over. */
  scheduledOf(request: number): ScheduledRequest | undefined {
    return this.#requests.get(request)?.scheduled;
  }

  /** Handles one message; an error in it ends only its request. */
  receive(message: OfRequest): void {
    try {
      this.#receive(message);
    } catch (error) {
      this.#log.error('a request failed in the router', { reason: (error as Error).stack });
    }
  }

  #receive(message: OfRequest): void {
    if (message.kind === 'begin') {
      const { request, id, method, url, headers, isServed, startedMs } = message;
      const begun = { id, startedMs: fromProcessTime(startedMs) };
      const scheduled = this.#scheduling.begin({ method, url, headers }, isServed, begun);
      this.#requests.set(request, {
        scheduled,
        path: url,
        bodyBytes: 0,
        streams: false,
        assignment: undefined,
        calls: [],
        waiting: [],
        open: new Set(),
        isEnded: false,
      });
      return;
    }
    const linked = this.#requests.get(message.request);
    if (linked === undefined) return;
    switch (message.kind) {
      case 'checkRoom':
        void this.#checkRoom(message.request, linked, message.last);
        break;
      case 'assign':
        void this.#assign(message.request, linked, message.facts);
        break;
      case 'again':
        void this.#again(message.request, linked, message);
        break;
      case 'next':
        void this.#next(message.request, linked);
        break;
      case 'left':
        linked.scheduled.clientLeft();
        break;
      case 'leave':
        linked.scheduled.leave();
        break;
      case 'end':
        linked.isEnded = true;
        // These calls were assigned after the thread had given the request up.
        for (const call of linked.open) if (call >= message.calls) this.#loseCall(linked, call);
        this.#forget(message.request, linked);
        linked.scheduled.end(message.end);
        break;
      default:
        this.#report(linked, message);
        break;
    }
  }

  #forget(request: number, { isEnded, open }: LinkedRequest): void {
    if (isEnded && open.size === 0) this.#requests.delete(request);
  }

  /** The thread has ended: gives back what its requests hold. */
  lose(): void {
    for (const linked of this.#requests.values()) {
      const { scheduled, open, isEnded } = linked;
      scheduled.clientLeft();
      for (const call of open) this.#loseCall(linked, call);
      if (isEnded) continue;
      scheduled.end({ status: 0, clientLeft: false, requestBytes: 0, errorCode: 'internal_error', isRoutine: false });
    }
    this.#requests.clear();
  }

  #loseCall(linked: LinkedRequest, call: number): void {
    this.#waitsNoMore(linked, call, false);
    linked.open.delete(call);
    linked.calls[call]?.report.ended(NOT_SENT);
  }

  async #checkRoom(request: number, { scheduled }: LinkedRequest, last: boolean): Promise<void> {
    try {
      await scheduled.checkRoom(last);
      this.#send({ kind: 'room', request, refusal: undefined });
    } catch (error) {
      this.#send({ kind: 'room', request, refusal: portable(error) });
    }
  }

  async #assign(request: number, linked: LinkedRequest, { hints, ...facts }: PortableFacts): Promise<void> {
    const found = findEndpoint(linked.path);
    linked.bodyBytes = facts.bodyBytes;
    linked.streams = hints.streams ?? false;
    await this.#answer(request, linked, linked.scheduled.assign({ ...facts, found, hints: hintsOf(hints) }));
  }

  async #again(
    request: number,
    linked: LinkedRequest,
    { call, outcome: sent }: Extract<OfRequest, { kind: 'again' }>,
  ): Promise<void> {
    const outcome = outcomeOf(sent);
    const target = (linked.calls[call] as AssignedCall).target;
    const following = linked.scheduled.again({ outcome, target });
    if (outcome.kind === 'answered' || outcome.kind === 'client_gone') return;
    await this.#answer(request, linked, following);
  }

  async #answer(request: number, linked: LinkedRequest, following: Promise<Assignment | undefined>): Promise<void> {
    try {
      const assignment = await following;
      linked.assignment = assignment;
      this.#send({
        kind: 'assigned',
        request,
        assignment: assignment && {
          retries: assignment.retries,
          deadlineMs: inProcessTime(assignment.deadlineMs),
          calls: assignment.calls.map((call) => this.#linkedCall(request, linked, call)),
        },
      });
    } catch (error) {
      this.#send({ kind: 'assigned', request, assignment: portable(error) });
    }
  }

  async #next(request: number, linked: LinkedRequest): Promise<void> {
    try {
      const call = await (linked.assignment as Assignment).next();
      this.#send({ kind: 'nextCall', request, call: this.#linkedCall(request, linked, call) });
    } catch (error) {
      this.#send({ kind: 'nextCall', request, call: portable(error) });
    }
  }

  /** A call counts as waiting from its assignment on, as the thread sends it at once. */
  #linkedCall(request: number, linked: LinkedRequest, call: AssignedCall): PortableCall {
    const number = linked.calls.push(call) - 1;
    linked.open.add(number);
    this.#waits(request, linked, number, linked);
    const { url, server, serverId, basePath, authorization, rank, bootstrapHost, bootstrapPort, isLaunched } =
      call.target;
    const target = { url, server, serverId, basePath, authorization, rank, bootstrapHost, bootstrapPort, isLaunched };
    return { target, choice: call.choice, traceparent: call.traceparent };
  }

  #waits(request: number, linked: LinkedRequest, call: number, { bodyBytes, streams }: Sent): void {
    const abandon = (reason: string) => this.#send({ kind: 'abandon', request, call, reason });
    const waiting: WaitingCall = { startedMs: performance.now(), bodyBytes, streams, abandon };
    linked.waiting[call] = waiting;
    linked.calls[call]?.report.waits(waiting);
  }

  #waitsNoMore({ calls, waiting }: LinkedRequest, call: number, answered: boolean): void {
    const wait = waiting[call];
    waiting[call] = undefined;
    if (wait) calls[call]?.report.waitsNoMore(wait, answered);
  }

  #report(linked: LinkedRequest, message: OfCall): void {
    const { report } = linked.calls[message.call] as AssignedCall;
    switch (message.kind) {
      case 'waits':
        this.#waits(message.request, linked, message.call, message);
        break;
      case 'waitsNoMore':
        this.#waitsNoMore(linked, message.call, message.answered);
        break;
      case 'goesElsewhere': {
        const { request, call } = message;
        const goesElsewhere = report.goesElsewhere(message.status) as boolean;
        this.#send({ kind: 'decided', request, call, goesElsewhere });
        break;
      }
      case 'head':
        report.head(message.status, message.streams, message.retryAfter);
        break;
      case 'errorEvent':
        report.errorEvent(message.status);
        break;
      case 'tunnel':
        report.tunnel();
        break;
      case 'firstByte':
        report.data(message.bytes);
        break;
      case 'moved':
        report.moved(message.pieces);
        break;
      case 'stores':
        report.stores(message.id);
        break;
      case 'ended':
        this.#waitsNoMore(linked, message.call, false);
        linked.open.delete(message.call);
        this.#forget(message.request, linked);
        report.streamed?.(message.bytes, message.gaps);
        report.ended({
          outcome: outcomeOf(message.outcome),
          usage: message.usage,
          cachedAtPrefill: message.cachedAtPrefill,
        });
        break;
    }
  }
}

type OfCall = Extract<
  OfRequest,
  {
    call: number;
    kind:
      | 'waits'
      | 'waitsNoMore'
      | 'goesElsewhere'
      | 'head'
      | 'errorEvent'
      | 'tunnel'
      | 'firstByte'
      | 'moved'
      | 'stores'
      | 'ended';
  }
>;
