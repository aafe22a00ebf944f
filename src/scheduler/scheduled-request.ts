import { noTimeLeft } from '../errors/timeouts.ts';
import { nobodyListens } from '../http/upstream/nobody-listens.ts';
import type { AssignedCall, Assignment, AttemptEnd } from '../link/assignment.ts';
import type { Cancellable } from '../link/cancellable.ts';
import { causeOf, failureOf, isFinal, isMistake, mayHaveDied, worksHarm } from '../link/failure.ts';
import type { Failed, Outcome } from '../link/outcome.ts';
import type { RequestEnd, RequestFacts, ScheduledRequest as Scheduled } from '../link/scheduling.ts';
import { isRetryable } from '../link/statuses.ts';
import type { ObservedRequest } from '../observe/observer.ts';
import type { Admission, Applicant } from './admission.ts';
import { choose, noWorker, type RequestProfile } from './choose.ts';
import { explain } from './explain.ts';
import { type Caller, Lease } from './lease.ts';
import { modelOf } from './models.ts';
import type { Choice, Policy } from './policies/policy.ts';
import { areReady, isAnyLeft, type Pool, poolsOf } from './pools.ts';
import { backoffMs, Tries } from './retry.ts';
import type { SchedulerContext } from './scheduler-context.ts';
import { findOwner } from './stored/find-owner.ts';
import { ownerTargets } from './stored/owner-targets.ts';
import type { Reference } from './stored/owners.ts';
import { referenceOf } from './stored/reference.ts';
import type { Target } from './target.ts';

const BUDGET_LOOK_MS = 20;
const BUDGET_PATIENCE_MS = 1_000;

/** A request with its facts and everything that was found out for routing it. */
interface RoutedRequest extends RequestProfile {
  readonly facts: RequestFacts;
  readonly tries: Tries;
}

/** One request's way through the scheduler: admit → choose → (choose again) → end. All decisions to try again are made here. */
export class ScheduledRequest implements Scheduled, Applicant, Caller {
  admittedBy: Admission | undefined;
  ongoing: Cancellable | undefined;
  last = false;
  readonly #context: SchedulerContext;
  readonly #observed: ObservedRequest;
  #deadlineMs = Number.POSITIVE_INFINITY;
  #routed: RoutedRequest | undefined;
  #leases: Lease[] = [];
  #outcome: Outcome | undefined;
  readonly #served: { served(): void } | undefined;
  #gone = false;
  #isOver = false;

  /** `served` is called when the request ends. */
  constructor(context: SchedulerContext, observed: ObservedRequest, served?: { served(): void }) {
    this.#served = served;
    this.#context = context;
    this.#observed = observed;
  }

  get id(): string {
    return this.#observed.record.id;
  }

  async checkRoom(last: boolean): Promise<void> {
    const refusal = this.#context.admission.refusal({ last });
    if (refusal) throw refusal;
  }

  async assign(facts: RequestFacts): Promise<Assignment | undefined> {
    const { admission, options } = this.#context;
    this.last = facts.last;
    this.#observed.record.requestBytes = facts.bodyBytes;
    const turn = facts.admitted ? admission.enter(this) : undefined;
    if (turn) await this.#timed(turn);
    this.#deadlineMs = performance.now() + options.requestTimeoutMs;
    this.#routed = await this.#profile(facts);
    return this.#attempt(this.#routed);
  }

  async again(end: AttemptEnd): Promise<Assignment | undefined> {
    const routed = this.#routed as RoutedRequest;
    this.#giveBack();
    this.#outcome = end.outcome;
    this.#note(end);
    return (await this.#goesOn(routed, end)) ? this.#attempt(routed) : undefined;
  }

  clientLeft(): void {
    this.#gone = true;
    this.ongoing?.cancel();
  }

  leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.admittedBy?.leave(this);
    this.#giveBack();
    if (!this.#routed) return;
    const { tries } = this.#routed;
    const isWell = tries.end(this.#outcome);
    if (!isWell && tries.retries > 0 && tries.exhausted) this.#observed.exhausted();
  }

  end({ status, clientLeft, requestBytes, errorCode, isRoutine }: RequestEnd): void {
    this.leave();
    const { record } = this.#observed;
    record.requestBytes = requestBytes;
    record.errorCode ??= errorCode;
    record.routine = isRoutine;
    this.#observed.end(status, clientLeft);
    this.#served?.served();
  }

  toldAll(model: string | undefined, workers: number): void {
    const { record } = this.#observed;
    record.model = model;
    record.attempts = workers;
  }

  callFailed(target: Target, failed: Failed): void {
    const { log } = this.#context;
    const { id, path } = this.#observed.record;
    if (isMistake(failed)) {
      const { stack, message } = failed.error.cause as Error;
      log.error('an answer failed in the router', { id, path, worker: target.url, reason: stack ?? message });
    }
    if (mayHaveDied(failed)) this.#noteBreak(target);
    if (nobodyListens(failed.error)) target.unreachable(causeOf(failed) ?? '');
  }

  /** Finds out which model the request is for, and which worker stores what it refers to. */
  async #profile(facts: RequestFacts): Promise<RoutedRequest> {
    const { models, owners, budget, admission, suspects, options } = this.#context;
    const { record } = this.#observed;
    if (facts.admitted) this.#observed.prompts(facts.hints);
    const model = modelOf(models, facts.hints, facts.ofModel);
    record.model = model ?? (models.several ? undefined : models.ids[0]);
    const retries = options.disableRetries || !facts.repeatable ? 0 : options.retryMaxRetries;
    const tries = new Tries(retries, budget, () => admission.inFlight, suspects);
    const reference = referenceOf(facts.found, facts.hints, owners);
    const owner = reference && (await this.#ownerOf(reference, facts.authorization));
    // A request that only one worker can answer cannot be compared with others.
    const kind = facts.admitted && !reference ? record.route : undefined;
    return { facts, hints: facts.hints, tries, model, kind, owner };
  }

  /** The URL of the worker that stores what the request refers to; undefined if none does. */
  #ownerOf(reference: Reference, authorization: string | undefined): string | Promise<string | undefined> {
    const { owners, servers, line } = this.#context;
    const known = owners.find(reference);
    if (known !== undefined) return known;
    const over = new AbortController();
    this.ongoing = { cancel: () => over.abort() };
    return findOwner(reference, servers.up(), { authorization, over, owners, line }).finally(() => {
      this.ongoing = undefined;
    });
  }

  /** Waits for a worker and chooses; undefined when the client has left. */
  async #attempt(routed: RoutedRequest): Promise<Assignment | undefined> {
    const { admission, readiness, options } = this.#context;
    const { facts, model } = routed;
    if (this.#gone) return undefined;
    const wait = facts.admitted ? admission.awaitWorker(this, model) : undefined;
    if (wait) await this.#timed(wait);
    else if (!readiness.isReady(model)) throw readiness.missing(model);
    if (this.#gone) return undefined;
    if (this.#isOverdue) throw noTimeLeft(options.requestTimeoutMs);
    return this.#choose(routed);
  }

  #choose(routed: RoutedRequest): Assignment {
    const { pools } = this.#context;
    const { facts, tries } = routed;
    const [first, second] = poolsOf(pools, facts.shape);
    const calls = [this.#call(first as Pool, routed, second !== undefined)];
    if (second && facts.shape === 'pair') calls.push(this.#call(second, routed, false));
    const { retries } = tries;
    return { retries, deadlineMs: this.#deadlineMs, calls, next: () => this.#call(second as Pool, routed, false) };
  }

  /** Chooses a worker of a pool, preferring those that this request has not tried; `aside` where its answer is not the client's. */
  #call({ targets, policy }: Pool, routed: RoutedRequest, aside: boolean): AssignedCall {
    const { pools, log, slots, owners } = this.#context;
    const { facts, tries, owner, model, kind } = routed;
    // Both servers of a pair must be there first: a call already chosen would stay counted.
    if (!areReady(pools.values(), model)) throw noWorker(model);
    const explains = facts.explains || this.#observed.wantsScores || log.debugEnabled;
    const choice = choose(policy, ownerTargets(targets, owner), routed, explains);
    tries.tried.push(choice.candidate);
    explain(choice, policy, log);
    const observed = this.#observed.attempt(chosenOf(choice, policy), aside);
    const stores = aside ? undefined : facts.found.endpoint.stores;
    const lease = new Lease(choice, {
      ...{ caller: this, policy, slots, owners, stores, observed, kind, aside, tries },
      explains: facts.explains,
    });
    this.#leases.push(lease);
    return lease;
  }

  /** Whether another attempt follows, after its back-off. Throws the client's error if none follows and it has no answer. */
  async #goesOn(routed: RoutedRequest, { outcome, target }: AttemptEnd): Promise<boolean> {
    if (outcome.kind === 'answered' || outcome.kind === 'client_gone') return false;
    const { pools, options } = this.#context;
    const { tries } = routed;
    if (outcome.kind === 'failed' && outcome.started) return false;
    if (tries.harmful) throw worksHarm(tries.brokeOff);
    const isElsewhere = isAnyLeft(pools, routed);
    if (outcome.kind === 'failed') {
      const counts = outcome.sent || !isElsewhere;
      const over = isFinal(outcome) || this.#isOverdue;
      if (over || (counts && !(await this.#permitted(tries, outcome.sent)))) throw failureOf(outcome, target);
      if (!counts) return true;
    }
    const atLeastMs = outcome.kind === 'rejected' && !isElsewhere ? (outcome.retryAfterMs ?? 0) : 0;
    const retry = tries.next();
    // A refusal is only compared with another worker's answer, which needs no back-off.
    if (outcome.kind === 'rejected' && !isRetryable(outcome.status)) return true;
    const waitMs = this.#waitMs(retry, atLeastMs);
    if (performance.now() + waitMs >= this.#deadlineMs) throw noTimeLeft(options.requestTimeoutMs);
    this.#observed.retried(waitMs);
    await this.#pause(waitMs);
    return true;
  }

  /** The back-off, or the worker's Retry-After where no other worker is left, up to the largest back-off. */
  #waitMs(retry: number, atLeastMs: number): number {
    const { options, random } = this.#context;
    return Math.max(backoffMs(retry, options, random), Math.min(atLeastMs, options.retryMaxBackoffMs));
  }

  /** Whether an unanswered request may be retried; waits briefly, as successful retries soon return their places in the budget. */
  async #permitted(tries: Tries, seen: boolean): Promise<boolean> {
    for (let waitedMs = 0; !tries.permit(seen); waitedMs += BUDGET_LOOK_MS) {
      if (tries.exhausted || this.#gone || this.#isOverdue || waitedMs >= BUDGET_PATIENCE_MS) return false;
      await this.#pause(BUDGET_LOOK_MS);
    }
    return true;
  }

  get #isOverdue(): boolean {
    return performance.now() >= this.#deadlineMs;
  }

  #note({ outcome, target }: AttemptEnd): void {
    if (outcome.kind === 'answered' || (outcome.kind === 'failed' && isMistake(outcome))) return;
    const cause = causeOf(outcome);
    const { id, path } = this.#observed.record;
    if (cause !== undefined) this.#context.failures.note({ id, path, worker: target.url, cause });
  }

  /** The server may have died of the request, so all its ranks count as tried. */
  #noteBreak({ server }: Target): void {
    const { tries, model } = this.#routed as RoutedRequest;
    tries.brokeOff.push(server);
    for (const { targets } of this.#context.pools.values())
      tries.tried.push(...targets.available(model).filter((target) => target.server === server));
  }

  /** Gives back choices that were never sent. */
  #giveBack(): void {
    for (const lease of this.#leases) lease.giveBack();
    this.#leases = [];
  }

  /** Counts a wait as the request's time in the queue. */
  async #timed(wait: Promise<void>): Promise<void> {
    const startedMs = performance.now();
    try {
      await wait;
    } finally {
      this.#observed.record.queueMs += performance.now() - startedMs;
    }
  }

  /** Resolves after `ms`, or at once when the client leaves. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#gone) return resolve();
      const end = () => {
        clearTimeout(timer);
        this.ongoing = undefined;
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.ongoing = { cancel: end };
    });
  }
}

function chosenOf(choice: Choice<Target>, { name }: Policy) {
  const { candidate, reason, matchedBytes, promptBytes = 0, scores } = choice;
  return { worker: candidate.url, policy: name, reason, matchedBytes, promptBytes, scores };
}
