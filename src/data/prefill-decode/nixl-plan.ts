import { RouterError } from '../../errors/errors.ts';
import type { Family } from '../../http/endpoint.ts';
import { type Asked, Leg } from '../../scheduler/leg.ts';
import type { Attempt } from '../../scheduler/plans/plan.ts';
import { failed } from '../failure.ts';
import { Relay } from '../relay.ts';
import type { Sink } from '../sink.ts';
import { spliceFields } from '../splice.ts';
import { CachedTokens } from './cached-tokens.ts';
import { MergingAnswer } from './merging-answer.ts';
import { NixlAnswer, TRANSFER } from './nixl-answer.ts';
import { TwoPoolPlan } from './two-pool-plan.ts';

/** What asks the prefill server to compute the prompt and keep it for another, as vLLM's NIXL connector has it. */
const TO_PREFILL: ReadonlyMap<string, string> = new Map([
  [TRANSFER, '{"do_remote_decode":true,"do_remote_prefill":false}'],
  ['max_tokens', '1'],
  ['stream', 'false'],
]);
/** Further fields that would contradict those. */
const NOT_TO_PREFILL: ReadonlySet<string> = new Set([
  ...TO_PREFILL.keys(),
  'max_completion_tokens',
  'min_tokens',
  'stream_options',
]);
const FAMILIES: ReadonlySet<Family> = new Set(['chat', 'completions']);

/** vLLM's way: the prefill server makes one token and tells where its cache lies, then the decode server is asked with that. */
export class NixlPlan extends TwoPoolPlan {
  override async attempt(asked: Asked): Promise<Attempt> {
    const { exchange, endpoint } = asked;
    if (exchange.request.upgrade !== undefined || !FAMILIES.has(endpoint.family)) return this.alone.attempt(asked);
    const body = spliceFields(exchange.body, TO_PREFILL, NOT_TO_PREFILL);
    if (!body) throw new RouterError('bad_request', 'expected a JSON object as the body');
    this.requireBoth(asked);
    using prefill = new Leg(this.prefill, asked, this.parts, true);
    const held = new NixlAnswer({ from: prefill.target.url, whole: true, mostBytes: this.parts.mostHeldBytes });
    exchange.ongoing = prefill;
    const outcome = await prefill.send(exchange.changed(body), held);
    exchange.ongoing = undefined;
    const targets = [prefill.target];
    if (outcome.kind !== 'answered') return { outcome, targets };
    const client = new Relay(exchange, (headers) => prefill.lease.describe(headers, 'prefill-'));
    if (held.status >= 300) {
      held.passTo(client);
      return { outcome, targets };
    }
    if (held.transfer === undefined)
      return { outcome: failed(withoutTransfer(prefill.target.url), false, true), targets };
    return await this.#decodeAfter(prefill, held, client, asked);
  }

  async #decodeAfter(prefill: Leg, held: NixlAnswer, client: Relay, asked: Asked): Promise<Attempt> {
    const { exchange } = asked;
    if (exchange.gone) return { outcome: { kind: 'client_gone' }, targets: [prefill.target] };
    this.requireBoth(asked);
    using decode = new Leg(this.decode, asked, this.parts);
    const body = exchange.changed(
      spliceFields(exchange.body, new Map([[TRANSFER, held.transfer as string]])) as Buffer,
    );
    exchange.ongoing = decode;
    const outcome = await decode.send(body, this.#answerOf(decode, held, client));
    exchange.ongoing = undefined;
    return { outcome, targets: [prefill.target, decode.target] };
  }

  /** Where decode's answer goes: where the prefill server told what it had cached, the client is told that. */
  #answerOf(decode: Leg, { usage }: NixlAnswer, client: Relay): Sink {
    if (usage?.cachedTokens === undefined) return client;
    decode.lease.cachedAtPrefill = usage.cachedTokens;
    const { mostHeldBytes: mostBytes } = this.parts;
    const merging = new MergingAnswer(client, new CachedTokens(usage.cachedTokens), {
      from: decode.target.url,
      mostBytes,
    });
    merging.learned();
    return merging;
  }
}

function withoutTransfer(url: string): RouterError {
  const hint = 'is it a vLLM server with a NIXL connector?';
  return new RouterError('worker_bad_response', `expected ${TRANSFER} in the answer of prefill server ${url}: ${hint}`);
}
