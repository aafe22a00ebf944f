import { RouterError } from '../../errors/errors.ts';
import type { Family } from '../../http/endpoint.ts';
import type { AssignedCall, Assignment, AttemptEnd } from '../../link/assignment.ts';
import { failed } from '../../link/failure.ts';
import { GONE } from '../../link/outcome.ts';
import type { BodyHolder, Exchange } from '../exchange.ts';
import type { Plan, Planner } from '../plans/plan.ts';
import { SinglePlan } from '../plans/single.ts';
import { Relay } from '../relay.ts';
import type { Sink } from '../sink.ts';
import { type Cut, cutFields, insertFields, spliceFields } from '../splice.ts';
import { WorkerCall } from '../worker-call.ts';
import { CachedTokens } from './cached-tokens.ts';
import { MergingAnswer } from './merging-answer.ts';
import { NixlAnswer, TRANSFER } from './nixl-answer.ts';

/** Fields that ask vLLM's NIXL connector to compute the prompt and keep it for a decode server. */
const TO_PREFILL: ReadonlyMap<string, string> = new Map([
  [TRANSFER, '{"do_remote_decode":true,"do_remote_prefill":false}'],
  ['max_tokens', '1'],
  ['stream', 'false'],
]);
/** Client fields that would contradict those. */
const NOT_TO_PREFILL: ReadonlySet<string> = new Set([
  ...TO_PREFILL.keys(),
  'max_completion_tokens',
  'min_tokens',
  'stream_options',
]);
const TRANSFER_FIELD: ReadonlySet<string> = new Set([TRANSFER]);
const FAMILIES: ReadonlySet<Family> = new Set(['chat', 'completions']);

/** Plans for vLLM servers with a NIXL connector. Requests that need no pair go to a decode server. `mostHeldBytes` of an answer may be held. */
export function nixlPlanner(mostHeldBytes: number): Planner {
  return (exchange) => {
    const { request, endpoint, body } = exchange;
    if (request.upgrade !== undefined || !FAMILIES.has(endpoint.family)) return new SinglePlan(exchange, 'decode');
    const toPrefill = spliceFields(body, TO_PREFILL, NOT_TO_PREFILL);
    if (!toPrefill) throw new RouterError('bad_request', 'expected a JSON object as the body');
    return new NixlPlan(exchange, exchange.changed(toPrefill), mostHeldBytes);
  };
}

/** vLLM's way: the prefill server makes one token and tells where its cache lies, then the decode server is asked with that. */
class NixlPlan implements Plan {
  readonly shape = 'sequence';
  readonly #exchange: Exchange;
  readonly #toPrefill: BodyHolder;
  readonly #mostBytes: number;
  /** The place in the client's body for the cache location, which differs at each attempt. */
  #place: Cut | undefined;
  /** The body for the decode server, of the last attempt only. */
  #toDecode: { body: Buffer } | undefined;

  constructor(exchange: Exchange, toPrefill: BodyHolder, mostBytes: number) {
    this.#exchange = exchange;
    this.#toPrefill = toPrefill;
    this.#mostBytes = mostBytes;
  }

  async attempt(assignment: Assignment): Promise<AttemptEnd> {
    const exchange = this.#exchange;
    const prefill = new WorkerCall(assignment.calls[0] as AssignedCall, { exchange, ...assignment }, true);
    const { target } = prefill;
    const held = new NixlAnswer({ from: target.url, whole: true, mostBytes: this.#mostBytes });
    exchange.ongoing = prefill;
    const outcome = await prefill.send(this.#toPrefill, held);
    exchange.ongoing = undefined;
    if (outcome.kind !== 'answered') return { outcome, target };
    const client = new Relay(exchange, (headers) => prefill.describe(headers, 'prefill-'));
    if (held.status >= 300) {
      held.passTo(client);
      return { outcome, target };
    }
    if (held.transfer === undefined) return { outcome: failed(withoutTransfer(target.url), false, true), target };
    if (exchange.gone) return { outcome: GONE, target };
    return await this.#decode(assignment, held, client);
  }

  async #decode(assignment: Assignment, held: NixlAnswer, client: Relay): Promise<AttemptEnd> {
    const exchange = this.#exchange;
    const decode = new WorkerCall(await assignment.next(), { exchange, ...assignment });
    this.#toDecode ??= exchange.changed(exchange.body);
    this.#toDecode.body = this.#bodyWith(held.transfer as string);
    exchange.ongoing = decode;
    const outcome = await decode.send(this.#toDecode, this.#answerOf(decode, held, client));
    exchange.ongoing = undefined;
    return { outcome, target: decode.target };
  }

  #bodyWith(transfer: string): Buffer {
    const { body } = this.#exchange;
    this.#place ??= cutFields(body, TRANSFER_FIELD);
    return insertFields(body, this.#place as Cut, new Map([[TRANSFER, transfer]]));
  }

  /** The sink for decode's answer, which merges in the prefill server's cached tokens if it told them. */
  #answerOf(decode: WorkerCall, { usage }: NixlAnswer, client: Relay): Sink {
    if (usage?.cachedTokens === undefined) return client;
    decode.cachedAtPrefill = usage.cachedTokens;
    const merging = new MergingAnswer(client, new CachedTokens(usage.cachedTokens), {
      from: decode.target.url,
      mostBytes: this.#mostBytes,
    });
    merging.learned();
    return merging;
  }
}

function withoutTransfer(url: string): RouterError {
  const hint = 'is it a vLLM server with a NIXL connector?';
  return new RouterError('worker_bad_response', `expected ${TRANSFER} in the answer of prefill server ${url}: ${hint}`);
}
