import type { RouterError } from '../../errors/errors.ts';
import { pathOf } from '../../http/path.ts';
import type { RequestIds } from '../../http/request-id.ts';
import type { PromptNeeds } from '../../scheduler/policies/policy.ts';
import type { AssignedCall, Assignment, AttemptEnd, CallTarget } from '../assignment.ts';
import type { RequestEnd, RequestFacts, RequestLineAndHeaders, ScheduledRequest, Scheduling } from '../scheduling.ts';
import type { Sender } from './batch-port.ts';
import type { PortableAssignment, PortableCall, ToDataThread, ToScheduler } from './messages.ts';
import { errorOf, type PortableError } from './portable-error.ts';
import { isLong, portableHints } from './portable-hints.ts';
import { portableOutcome } from './portable-outcome.ts';
import { fromProcessTime, inProcessTime } from './process-clock.ts';
import { RemoteCall } from './remote-call.ts';

interface RemoteOptions {
  /** What policies read of prompts; nothing else is computed. */
  readonly needs: PromptNeeds;
  readonly requestIds: RequestIds;
  /** Upper bounds of the histogram of times between chunks, in seconds. */
  readonly gapBounds: readonly number[];
  /** Returns the target with this thread's own connections. */
  readonly connect: (target: PortableCall['target']) => CallTarget;
}

/** Messages that concern one request. */
type ForRequest = Extract<ToDataThread, { kind: 'room' | 'assigned' | 'nextCall' | 'decided' | 'abandon' }>;

/** The scheduler of another thread. */
export class RemoteScheduling implements Scheduling {
  closed: RouterError | undefined;
  severalModels = false;
  readonly #scheduler: Sender<ToScheduler>;
  readonly #options: RemoteOptions;
  readonly #requests = new Map<number, RemoteRequest>();
  #next = 0;

  constructor(scheduler: Sender<ToScheduler>, options: RemoteOptions) {
    this.#scheduler = scheduler;
    this.#options = options;
  }

  begin({ method, url, headers }: RequestLineAndHeaders, isServed: boolean): ScheduledRequest {
    const number = this.#next++;
    const path = pathOf(url);
    const id = this.#options.requestIds(headers, path);
    const { traceparent } = headers;
    const startedMs = inProcessTime(performance.now());
    this.#scheduler.sendSoon({
      kind: 'begin',
      request: number,
      id,
      method,
      url: path,
      startedMs,
      headers: { traceparent },
      isServed,
    });
    const request = new RemoteRequest(number, id, this.#scheduler, this.#options, () => this.#requests.delete(number));
    this.#requests.set(number, request);
    return request;
  }

  /** The number that stands for a request in messages. */
  numberOf(request: ScheduledRequest): number {
    return (request as RemoteRequest).number;
  }

  /** Handles a message of the scheduler; ignores one for a request that is over. */
  receive(message: ForRequest): void {
    this.#requests.get(message.request)?.receive(message);
  }

  share(closed: PortableError | undefined, severalModels: boolean): void {
    this.closed = closed && (errorOf(closed) as RouterError);
    this.severalModels = severalModels;
  }
}

/** One request as another thread's scheduler has it. */
class RemoteRequest implements ScheduledRequest {
  readonly number: number;
  readonly id: string;
  readonly #scheduler: Sender<ToScheduler>;
  readonly #options: RemoteOptions;
  readonly #over: () => void;
  readonly #calls: RemoteCall[] = [];
  #room: PromiseWithResolvers<void> | undefined;
  #assigned: PromiseWithResolvers<Assignment | undefined> | undefined;
  #nextCall: PromiseWithResolvers<AssignedCall> | undefined;
  #hasLeft = false;

  constructor(number: number, id: string, scheduler: Sender<ToScheduler>, options: RemoteOptions, over: () => void) {
    this.number = number;
    this.id = id;
    this.#scheduler = scheduler;
    this.#options = options;
    this.#over = over;
  }

  checkRoom(last: boolean): Promise<void> {
    this.#scheduler.send({ kind: 'checkRoom', request: this.number, last });
    this.#room = Promise.withResolvers();
    return this.#room.promise;
  }

  assign({ found, hints, ...facts }: RequestFacts): Promise<Assignment | undefined> {
    const sent = portableHints(hints, found.endpoint, this.#options.needs);
    const assign = { kind: 'assign', request: this.number, facts: { ...facts, hints: sent } } as const;
    if (isLong(sent)) this.#scheduler.sendBytes(assign);
    else this.#scheduler.send(assign);
    return this.#awaitAssignment();
  }

  again({ outcome, target }: AttemptEnd): Promise<Assignment | undefined> {
    this.#giveBack();
    const call = this.#calls.findLastIndex((one) => one.target === target);
    const again = { kind: 'again', request: this.number, call, outcome: portableOutcome(outcome) } as const;
    // An answered request is not tried again.
    if (outcome.kind === 'answered' || outcome.kind === 'client_gone') {
      this.#scheduler.sendSoon(again);
      return Promise.resolve(undefined);
    }
    this.#scheduler.send(again);
    return this.#awaitAssignment();
  }

  toldAll(): void {
    throw new TypeError('expected the thread of the scheduler to tell all workers');
  }

  clientLeft(): void {
    this.#scheduler.send({ kind: 'left', request: this.number });
  }

  leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#scheduler.sendSoon({ kind: 'leave', request: this.number });
  }

  end(end: RequestEnd): void {
    this.#giveBack();
    this.#scheduler.sendSoon({ kind: 'end', request: this.number, end, calls: this.#calls.length });
    this.#over();
  }

  receive(message: ForRequest): void {
    switch (message.kind) {
      case 'room':
        if (message.refusal) this.#room?.reject(errorOf(message.refusal));
        else this.#room?.resolve();
        break;
      case 'assigned':
        if (isError(message.assignment)) this.#assigned?.reject(errorOf(message.assignment));
        else this.#assigned?.resolve(message.assignment && this.#assignmentOf(message.assignment));
        break;
      case 'nextCall':
        if (isError(message.call)) this.#nextCall?.reject(errorOf(message.call));
        else this.#nextCall?.resolve(this.#callOf(message.call));
        break;
      case 'decided':
        this.#calls[message.call]?.decided(message.goesElsewhere);
        break;
      case 'abandon':
        this.#calls[message.call]?.abandon(message.reason);
        break;
    }
  }

  /** Gives back calls that were assigned and never sent. */
  #giveBack(): void {
    for (const call of this.#calls) call.giveBack();
  }

  #awaitAssignment(): Promise<Assignment | undefined> {
    this.#assigned = Promise.withResolvers();
    return this.#assigned.promise;
  }

  #assignmentOf({ retries, deadlineMs, calls }: PortableAssignment): Assignment {
    return {
      retries,
      deadlineMs: fromProcessTime(deadlineMs),
      calls: calls.map((call) => this.#callOf(call)),
      next: () => {
        this.#nextCall = Promise.withResolvers();
        this.#scheduler.send({ kind: 'next', request: this.number });
        return this.#nextCall.promise;
      },
    };
  }

  #callOf(call: PortableCall): RemoteCall {
    const { connect, gapBounds } = this.#options;
    const at = { request: this.number, call: this.#calls.length };
    const remote = new RemoteCall(call, connect(call.target), at, { scheduler: this.#scheduler, gapBounds });
    this.#calls.push(remote);
    return remote;
  }
}

function isError(value: object | undefined): value is PortableError {
  return value !== undefined && 'message' in value;
}
