import { RouterError } from '../errors/errors.ts';
import { ClientGoneError } from '../http/client-gone.ts';
import type { ClientRequest } from '../http/edge/client-request.ts';
import type { Reply } from '../http/edge/reply.ts';
import type { Endpoint } from '../http/endpoint.ts';
import type { Found } from '../http/endpoints.ts';
import { sendError, setHeaders } from '../http/respond.ts';
import type { Log } from '../observe/log/log.ts';
import type { Admission, Somebody } from '../scheduler/admission.ts';
import { FailureLog } from '../scheduler/failure-log.ts';
import { findKeeper } from '../scheduler/kept/find-keeper.ts';
import type { Keepers, Reference } from '../scheduler/kept/keepers.ts';
import { referenceOf } from '../scheduler/kept/reference.ts';
import type { Asked } from '../scheduler/leg.ts';
import { type Models, modelOf } from '../scheduler/models.ts';
import type { Attempt, Plan } from '../scheduler/plans/plan.ts';
import type { Random } from '../scheduler/policies/policy.ts';
import { backoffMs, isRetryable, type RetryOptions, Tries } from '../scheduler/retry.ts';
import { RetryBudget } from '../scheduler/retry-budget.ts';
import { Suspects } from '../scheduler/suspects.ts';
import { decodedBody, isEncoded } from './decoded-body.ts';
import { type Edge, Exchange } from './exchange.ts';
import { causeOf, failureOf, isFinal, isMistake, worksHarm } from './failure.ts';
import type { Fleet } from './fleet.ts';
import { RequestHints } from './prompt/hints.ts';
import { settle } from './settle.ts';
import { tellAll } from './tell-all.ts';
import { noTimeLeft } from './timeout.ts';

export interface DataPathOptions extends RetryOptions {
  readonly maxPayloadBytes: number;
  readonly requestTimeoutMs: number;
}

export interface DataPathParts {
  readonly plan: Plan;
  readonly somebody: Somebody;
  readonly admission: Admission;
  readonly models: Models;
  readonly fleet: Fleet;
  readonly keepers: Keepers;
  readonly log: Log;
  readonly random?: Random;
}

const BUDGET_LOOK_MS = 20;
const BUDGET_PATIENCE_MS = 1_000;
/** What a server may be asked again without asking the client (RFC 9110 §9.2.2), beside what `Treatment` says. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/** How a request may be treated. */
export interface Treatment {
  readonly found: Found;
  /** It waits its turn, and for a worker; else it is answered at once, one way or the other. */
  readonly admitted: boolean;
  /** It must say for which of several models it is. */
  readonly ofModel: boolean;
  /** It may be sent again once a worker has seen it. */
  readonly repeatable: boolean;
}

/** The data path: receive → admit → choose → dispatch → relay → settle. */
export class DataPath {
  readonly #options: DataPathOptions;
  readonly #parts: DataPathParts;
  readonly #budget = new RetryBudget();
  readonly #failures: FailureLog;
  readonly #suspects = new Suspects();
  readonly #random: Random;

  constructor(options: DataPathOptions, parts: DataPathParts) {
    this.#options = options;
    this.#parts = parts;
    this.#failures = new FailureLog(parts.log);
    this.#random = parts.random ?? Math.random;
  }

  /** Serves one request whole; never rejects. */
  async serve(request: ClientRequest, reply: Reply, treatment: Treatment, edge: Edge): Promise<void> {
    const exchange = new Exchange(request, reply, edge);
    const { admission, fleet, models } = this.#parts;
    try {
      if (admission.closed && !request.last) throw admission.closed;
      exchange.body = await this.#bodyOf(request, treatment.found.endpoint);
      edge.observed.record.requestBytes = exchange.body.length;
      const turn = treatment.admitted ? admission.enter(exchange) : undefined;
      if (turn) await timed(exchange, turn);
      exchange.deadlineMs = performance.now() + this.#options.requestTimeoutMs;
      const { endpoint } = treatment.found;
      if (endpoint.to === 'all') await tellAll(exchange, endpoint, fleet, models);
      else await this.#answer(exchange, treatment);
    } catch (error) {
      this.#fail(exchange, error as Error, treatment.found.endpoint);
    } finally {
      await settle(exchange);
    }
  }

  /** The client's bytes, without the content coding that routing and engines do not read; a path that the router does not know keeps it. */
  async #bodyOf(request: ClientRequest, { family }: Endpoint): Promise<Buffer> {
    const { maxPayloadBytes } = this.#options;
    const body = await request.body(maxPayloadBytes);
    const { 'content-encoding': coding } = request.headers;
    if (!isEncoded(coding) || family === 'other') return body;
    const decoded = await decodedBody(body, coding, maxPayloadBytes);
    delete request.headers['content-encoding'];
    return decoded;
  }

  /** Attempts until one is answered or no other may follow. */
  async #answer(exchange: Exchange, { found, admitted, ofModel, repeatable }: Treatment): Promise<void> {
    const { plan, admission, somebody, models, keepers } = this.#parts;
    const { observed } = exchange;
    const hints = new RequestHints(exchange.request, exchange, models.several);
    const model = modelOf(models, hints, ofModel);
    observed.record.model = model ?? (models.several ? undefined : models.ids[0]);
    const tries = new Tries(this.#retries(repeatable), this.#budget, () => admission.inFlight, this.#suspects);
    const again = repeatable || IDEMPOTENT.has(exchange.request.method);
    const reference = referenceOf(found, hints, keepers);
    const keeper = reference && (await this.#keeperOf(reference, exchange));
    // What only one worker can answer says nothing of how the others would.
    const kind = admitted && !reference ? observed.record.route : undefined;
    const asked = { exchange, endpoint: found.endpoint, hints, tries, model, kind, keeper, repeatable: again };
    let attempt: Attempt | undefined;
    try {
      while (!exchange.gone) {
        const wait = admitted ? admission.awaitWorker(exchange, model) : undefined;
        if (wait) await timed(exchange, wait);
        else if (!somebody.isThere(model)) throw somebody.missing(model);
        if (exchange.gone) break;
        if (exchange.overdue) throw noTimeLeft(this.#options.requestTimeoutMs);
        attempt = await plan.attempt(asked);
        this.#note(exchange, attempt);
        if (!(await this.#goesOn(asked, attempt))) break;
      }
    } finally {
      const well = tries.end(attempt?.outcome);
      if (!well && tries.retries > 0 && tries.exhausted) observed.exhausted();
    }
  }

  /** The URL of the worker that keeps what the request refers to; undefined where nobody does. */
  #keeperOf(reference: Reference, exchange: Exchange): string | Promise<string | undefined> {
    const { keepers, fleet } = this.#parts;
    return keepers.find(reference) ?? findKeeper(reference, fleet.up(), exchange, keepers);
  }

  /** Whether another attempt follows, waiting until its time has come. Throws what the client is told where none does and it has no answer yet. */
  async #goesOn(asked: Asked, { outcome, targets }: Attempt): Promise<boolean> {
    if (outcome.kind === 'answered' || outcome.kind === 'client_gone') return false;
    const { exchange, tries } = asked;
    if (outcome.kind === 'failed' && outcome.started) return false;
    if (tries.harmful) throw worksHarm(tries.brokeOff);
    const elsewhere = this.#parts.plan.hasUntried(asked);
    if (outcome.kind === 'failed') {
      const counts = outcome.sent || !elsewhere;
      const over = isFinal(outcome) || exchange.overdue;
      if (over || (counts && !(await permitted(exchange, tries, outcome.sent))))
        throw failureOf(outcome, targets.at(-1));
      if (!counts) return true;
    }
    const atLeastMs = outcome.kind === 'rejected' && !elsewhere ? (outcome.retryAfterMs ?? 0) : 0;
    const retry = tries.next();
    // Another worker is only asked what it says to what this one refused: that is no sign of trouble.
    if (outcome.kind === 'rejected' && !isRetryable(outcome.status)) return true;
    const waitMs = this.#waitMs(retry, atLeastMs);
    if (performance.now() + waitMs >= exchange.deadlineMs) throw noTimeLeft(this.#options.requestTimeoutMs);
    exchange.observed.retried(waitMs);
    await exchange.pause(waitMs);
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

  /** The last of the targets is the one that failed. */
  #note({ observed: { record } }: Exchange, attempt: Attempt): void {
    const { outcome, targets } = attempt;
    if (outcome.kind === 'answered' || (outcome.kind === 'failed' && isMistake(outcome))) return;
    const worker = targets.at(-1)?.url ?? '';
    const cause = causeOf(outcome);
    if (cause !== undefined) this.#failures.note({ id: record.id, path: record.path, worker, cause });
  }

  #logMistake({ observed: { record } }: Exchange, error: Error): void {
    const { id, path } = record;
    this.#parts.log.error('request failed in the router', { id, path, reason: error.stack ?? error.message });
  }

  #fail(exchange: Exchange, error: Error, { errors }: Endpoint): void {
    if (exchange.gone || error instanceof ClientGoneError) return;
    const { reply, headers, observed } = exchange;
    if (!(error instanceof RouterError)) this.#logMistake(exchange, error);
    if (reply.ended) return;
    if (reply.started) {
      reply.cut();
      return;
    }
    setHeaders(reply, headers);
    observed.record.errorCode = sendError(reply, error, errors);
  }
}

/** Counts a wait as the request's time in the queue. */
async function timed({ observed: { record } }: Exchange, wait: Promise<void>): Promise<void> {
  const startedMs = performance.now();
  try {
    await wait;
  } finally {
    record.queueMs += performance.now() - startedMs;
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
