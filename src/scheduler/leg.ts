import type { Timeouts } from '../data/deadlines.ts';
import { type Called, type Dispatched, dispatch } from '../data/dispatch.ts';
import type { BodyHolder, Exchange } from '../data/exchange.ts';
import { causeOf, isMistake, mayHaveDied } from '../data/failure.ts';
import { GONE, type Outcome } from '../data/outcome.ts';
import { withRank } from '../data/rank.ts';
import type { Sink } from '../data/sink.ts';
import type { Slots } from '../fleet/slots.ts';
import type { Endpoint } from '../http/endpoint.ts';
import { nobodyListens } from '../http/upstream/nobody-listens.ts';
import { isStale } from '../http/upstream/reuse-mark.ts';
import type { Log } from '../observe/log/log.ts';
import type { Chosen } from '../observe/observer.ts';
import { choose, isAnyUntried, type Targets, type Wanted } from './choose.ts';
import { asksToExplain, explain } from './explain.ts';
import { keeperTargets } from './kept/keeper-targets.ts';
import type { Keepers } from './kept/keepers.ts';
import { KeptId } from './kept/kept-id.ts';
import { Lease } from './lease.ts';
import type { Choice, Policy } from './policies/policy.ts';
import type { Tries } from './retry.ts';
import type { Target } from './target.ts';

/** Those who may be asked, and who chooses among them. */
export interface Pool {
  readonly targets: Targets;
  readonly policy: Policy;
}

export interface LegParts {
  readonly slots: Slots;
  readonly timeouts: Timeouts;
  readonly log: Log;
  /** So much of an answer may be held where the router has to have all of it. */
  readonly mostHeldBytes: number;
  readonly keepers: Keepers;
}

/** A request as a plan is given it. */
export interface Asked extends Wanted {
  readonly exchange: Exchange;
  readonly endpoint: Endpoint;
  readonly tries: Tries;
  /** A worker that has had it may be sent it again. */
  readonly repeatable: boolean;
}

/** One worker's part in an attempt, from the choice to the end of its call. Disposed of unsent, it gives back what the choice holds. */
export class Leg implements Disposable {
  readonly lease: Lease;
  readonly #targets: Targets;
  readonly #asked: Asked;
  readonly #policy: Policy;
  readonly #parts: LegParts;
  #call: Dispatched | undefined;
  #sent = false;
  #ended: Outcome | undefined;

  /** Chooses a worker; whom this request has asked before only when nobody else is left. `aside` where its answer is not the client's. */
  constructor({ targets, policy }: Pool, asked: Asked, parts: LegParts, aside = false) {
    const { exchange, tries, endpoint, keeper } = asked;
    const wantsScores = asksToExplain(exchange.request);
    const explains = wantsScores || exchange.observed.wantsScores || parts.log.debugEnabled;
    const choice = choose(policy, keeperTargets(targets, keeper), asked, explains);
    tries.tried.push(choice.candidate);
    const observed = exchange.observed.attempt(chosenOf(choice, policy), aside);
    const keeps = aside ? undefined : endpoint.keeps;
    this.lease = new Lease(choice, policy, parts.slots, {
      explains: wantsScores,
      observed,
      tries,
      kind: asked.kind,
      aside,
      kept: keeps && new KeptId(keeps, parts.keepers, choice.candidate.url),
    });
    this.#targets = targets;
    this.#asked = asked;
    this.#policy = policy;
    this.#parts = parts;
  }

  get target(): Target {
    return this.lease.choice.candidate;
  }

  /** Sends it; resolves when that has ended, however it did. */
  async send(whole: BodyHolder, sink: Sink): Promise<Outcome> {
    this.#sent = true;
    let outcome: Outcome = GONE;
    try {
      explain(this.lease.choice, this.#policy, this.#parts.log);
      outcome = await this.#sendWhole(this.#ranked(whole), sink);
    } finally {
      this.lease.settle(outcome, sink.usage);
    }
    if (outcome.kind !== 'failed') return outcome;
    if (isMistake(outcome)) this.#logMistake(outcome.error.cause as Error);
    if (mayHaveDied(outcome)) this.#noteBreak();
    if (nobodyListens(outcome.error)) this.target.unreachable(causeOf(outcome) ?? '');
    return outcome;
  }

  /**
   * Calls the worker, and once more over a new connection where a kept one was found closed and the request may be repeated: else
   * it has a new one from the start. What the worker had of the first call it has had, whatever becomes of the second.
   */
  async #sendWhole(body: BodyHolder, sink: Sink): Promise<Outcome> {
    const { repeatable } = this.#asked;
    const { outcome, ...first } = await this.#dispatch(body, sink, !repeatable);
    if (!repeatable || this.#ended || outcome.kind !== 'failed' || !outcome.sent) return outcome;
    // Where an answer has begun its body was let go.
    if (!isStale(outcome.error, first.answerBegan, first.tookMs) || this.#asked.exchange.reply.started) return outcome;
    const { outcome: second } = await this.#dispatch(body, sink, true);
    return second.kind === 'failed' ? { ...second, sent: true } : second;
  }

  /** No async function: its frame would hold the body as long as the call lasts. */
  #dispatch({ body }: BodyHolder, sink: Sink, fresh: boolean): Promise<Called> {
    if (this.#ended) return Promise.resolve({ outcome: this.#ended, answerBegan: false, tookMs: 0 });
    this.#call = dispatch({ lease: this.lease, body, sink, fresh, timeouts: this.#parts.timeouts, ...this.#asked });
    return this.#call.called;
  }

  #ranked(whole: BodyHolder): BodyHolder {
    const { exchange } = this.#asked;
    const { rank } = this.target;
    return rank === undefined ? whole : exchange.changed(withRank(whole.body, exchange.request.url, rank));
  }

  #logMistake({ stack, message }: Error): void {
    const { id, path } = this.#asked.exchange.observed.record;
    const fields = { id, path, worker: this.target.url, reason: stack ?? message };
    this.#parts.log.error('an answer failed in the router', fields);
  }

  /** It is no other server that has another rank of it. */
  #noteBreak(): void {
    const { tries, model } = this.#asked;
    const { server } = this.target;
    tries.brokeOff.push(server);
    tries.tried.push(...this.#targets.available(model).filter((target) => target.server === server));
  }

  [Symbol.dispose](): void {
    if (!this.#sent) this.lease.settle(GONE);
  }

  /** Ends it now: nobody wants the answer any more. */
  cancel(): void {
    this.#ended = GONE;
    this.#call?.end(GONE);
  }
}

/** Whether anybody of a pool may be asked, for a model where one is named. */
export function isReady({ targets }: Pool, model?: string): boolean {
  return targets.available(model).length > 0 || targets.lastResort(model).length > 0;
}

/** Whether somebody of a pool may be asked who has not been asked yet. */
export function hasUntried({ targets }: Pool, wanted: Wanted): boolean {
  return isAnyUntried(keeperTargets(targets, wanted.keeper), wanted);
}

function chosenOf(
  { candidate, reason, matchedBytes, promptBytes = 0, scores }: Choice<Target>,
  { name }: Policy,
): Chosen {
  return { worker: candidate.url, policy: name, reason, matchedBytes, promptBytes, scores };
}
