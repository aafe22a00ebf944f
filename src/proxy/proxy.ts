import type { IncomingMessage, ServerResponse } from 'node:http';
import { ClientGoneError, readBody } from '../http/body.ts';
import { sendError } from '../http/respond.ts';
import type { Log } from '../log.ts';
import type { Random } from '../policies/policy.ts';
import type { Admission, Somebody } from './admit.ts';
import { Exchange } from './exchange.ts';
import { failureOf, isFinal } from './failure.ts';
import { RequestHints } from './hints.ts';
import type { Attempt, Plan } from './plans/plan.ts';
import { backoffMs, type RetryOptions, Tries } from './retry.ts';
import { RetryBudget } from './retry-budget.ts';
import { noteFailure, settle } from './settle.ts';

export interface DataPathOptions extends RetryOptions {
  readonly maxPayloadBytes: number;
  readonly requestTimeoutMs: number;
}

export interface DataPathParts {
  readonly plan: Plan;
  readonly somebody: Somebody;
  readonly admission: Admission;
  readonly log: Log;
  readonly random?: Random;
}

const BUDGET_LOOK_MS = 20;
const BUDGET_PATIENCE_MS = 1_000;

/** How a request may be treated. */
export interface Treatment {
  /** It waits its turn, and for a worker; else it is answered at once, one way or the other. */
  readonly admitted: boolean;
  /** It may be sent again once a worker has seen it. */
  readonly repeatable: boolean;
}

/** The data path: receive → admit → choose → dispatch → relay → settle. */
export class DataPath {
  readonly #options: DataPathOptions;
  readonly #parts: DataPathParts;
  readonly #budget = new RetryBudget();
  readonly #random: Random;

  constructor(options: DataPathOptions, parts: DataPathParts) {
    this.#options = options;
    this.#parts = parts;
    this.#random = parts.random ?? Math.random;
  }

  /** Serves one request whole; never rejects. */
  async serve(request: IncomingMessage, response: ServerResponse, treatment: Treatment): Promise<void> {
    const exchange = new Exchange(request, response);
    const { admission, log } = this.#parts;
    let last: Attempt | undefined;
    try {
      if (admission.closed) throw admission.closed;
      exchange.body = await readBody(request, this.#options.maxPayloadBytes);
      if (treatment.admitted) await admission.enter(exchange);
      exchange.deadlineMs = performance.now() + this.#options.requestTimeoutMs;
      last = await this.#answer(exchange, treatment);
    } catch (error) {
      this.#fail(exchange, error as Error);
    } finally {
      settle(exchange, last, log);
    }
  }

  /** Attempts until one is answered or no other may follow; returns the last. */
  async #answer(exchange: Exchange, { admitted, repeatable }: Treatment): Promise<Attempt | undefined> {
    const { plan, admission, somebody, log } = this.#parts;
    const hints = new RequestHints(exchange.request, exchange.body);
    const tries = new Tries(this.#retries(repeatable), this.#budget, () => admission.inFlight);
    let attempt: Attempt | undefined;
    try {
      while (!exchange.gone) {
        if (admitted) await admission.awaitWorker(exchange);
        else if (!somebody.there) throw somebody.missing();
        if (exchange.gone) break;
        attempt = await plan.attempt(exchange, hints, tries);
        noteFailure(exchange, attempt, log);
        if (!(await this.#goesOn(exchange, attempt, tries))) break;
      }
      return attempt;
    } finally {
      tries.end(attempt?.outcome);
    }
  }

  /** Whether another attempt follows, waiting until its time has come. Throws what the client is told where none does and it has no answer yet. */
  async #goesOn(exchange: Exchange, { outcome, targets }: Attempt, tries: Tries): Promise<boolean> {
    if (outcome.kind === 'answered' || outcome.kind === 'client_gone') return false;
    const elsewhere = this.#parts.plan.hasUntried(tries);
    if (outcome.kind === 'failed') {
      if (outcome.started) return false;
      const counts = outcome.sent || !elsewhere;
      const over = isFinal(outcome) || exchange.overdue;
      if (over || (counts && !(await permitted(exchange, tries, outcome.sent))))
        throw failureOf(outcome, targets.at(-1));
      if (!counts) return true;
    }
    const atLeastMs = outcome.kind === 'rejected' && !elsewhere ? (outcome.retryAfterMs ?? 0) : 0;
    await exchange.pause(this.#waitMs(tries.next(), atLeastMs));
    return true;
  }

  #retries(repeatable: boolean): number {
    const { disableRetries, retryMaxRetries } = this.#options;
    return disableRetries || !repeatable ? 0 : retryMaxRetries;
  }

  /** A worker that asks for time gets it where nobody else can be asked, within reason. */
  #waitMs(retry: number, atLeastMs: number): number {
    return Math.max(
      backoffMs(retry, this.#options, this.#random),
      Math.min(atLeastMs, this.#options.retryMaxBackoffMs),
    );
  }

  #fail(exchange: Exchange, error: Error): void {
    if (exchange.gone || error instanceof ClientGoneError) return;
    if (!('code' in error)) this.#parts.log.error('request failed', { reason: error.stack ?? error.message });
    sendError(exchange.response, error);
  }
}

/** Whether a request that has no answer may be sent again. The places of retries that succeed come back soon, so it waits a little for one. */
async function permitted(exchange: Exchange, tries: Tries, seen: boolean): Promise<boolean> {
  for (let waitedMs = 0; !tries.permit(seen); waitedMs += BUDGET_LOOK_MS) {
    if (tries.exhausted || exchange.gone || exchange.overdue || waitedMs >= BUDGET_PATIENCE_MS) return false;
    await exchange.pause(BUDGET_LOOK_MS);
  }
  return true;
}
