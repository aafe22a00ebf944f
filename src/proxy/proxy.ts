import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RouterError } from '../errors.ts';
import { ClientGoneError, readBody } from '../http/body.ts';
import { sendError } from '../http/respond.ts';
import type { Log } from '../log.ts';
import type { Choice, Policy } from '../policies/policy.ts';
import type { Slots } from '../state/slots.ts';
import type { Admission } from './admit.ts';
import { choose } from './choose.ts';
import { dispatch, type Outcome } from './dispatch.ts';
import { Exchange } from './exchange.ts';
import { asksToExplain, explain, wantsScores } from './explain.ts';
import { failureOf, neverSent } from './failure.ts';
import { RequestHints } from './hints.ts';
import { Lease } from './lease.ts';
import { settle } from './settle.ts';
import type { Target } from './target.ts';

export interface DataPathOptions {
  readonly maxPayloadBytes: number;
  readonly requestTimeoutMs: number;
}

export interface DataPathParts {
  /** Workers that may receive traffic now. */
  readonly available: () => readonly Target[];
  /** Why nothing is served at the moment (starting, draining); undefined when open. */
  readonly closed: () => RouterError | undefined;
  readonly policy: Policy;
  readonly slots: Slots;
  readonly admission: Admission;
  readonly log: Log;
}

/** The data path: receive → admit → choose → dispatch → relay → settle. */
export class DataPath {
  readonly #options: DataPathOptions;
  readonly #parts: DataPathParts;

  constructor(options: DataPathOptions, parts: DataPathParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** Serves one request whole; never rejects. */
  async serve(request: IncomingMessage, response: ServerResponse, admitted: boolean): Promise<void> {
    const exchange = new Exchange(request, response);
    const { admission, log } = this.#parts;
    let target: Target | undefined;
    try {
      this.#refuseWhileClosed();
      exchange.body = await readBody(request, this.#options.maxPayloadBytes);
      if (admitted) await admission.enter(exchange);
      target = await this.#answer(exchange);
    } catch (error) {
      this.#fail(exchange, error as Error);
    } finally {
      settle(exchange, target, log);
    }
  }

  /** Asks workers until one could be reached; returns the one that was. */
  async #answer(exchange: Exchange): Promise<Target | undefined> {
    const { policy, available, log } = this.#parts;
    const hints = new RequestHints(exchange.request, exchange.body);
    const tried: Target[] = [];
    while (!exchange.gone) {
      this.#refuseWhileClosed();
      const choice = choose(policy, available(), tried, hints, wantsScores(exchange.request, log));
      explain(choice, policy, log);
      const target = choice.candidate;
      const outcome = await this.#attempt(exchange, choice);
      if (outcome.kind !== 'failed' || outcome.started) return target;
      if (!neverSent(outcome.error)) throw failureOf(outcome.error, target);
      target.unreachable(outcome.error.message);
      tried.push(target);
    }
    return undefined;
  }

  async #attempt(exchange: Exchange, choice: Choice<Target>): Promise<Outcome> {
    const { policy, slots } = this.#parts;
    const lease = new Lease(choice, policy, slots, asksToExplain(exchange.request));
    try {
      return await dispatch(lease, exchange, this.#options.requestTimeoutMs);
    } finally {
      lease.settle();
    }
  }

  #refuseWhileClosed(): void {
    const reason = this.#parts.closed();
    if (reason) throw reason;
  }

  #fail(exchange: Exchange, error: Error): void {
    if (exchange.gone || error instanceof ClientGoneError) return;
    if (!('code' in error)) this.#parts.log.error('request failed', { reason: error.stack ?? error.message });
    sendError(exchange.response, error);
  }
}
