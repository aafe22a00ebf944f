import { RouterError } from '../../errors.ts';
import type { Family } from '../../http/endpoint.ts';
import { endpointOf } from '../../http/endpoints.ts';
import { pathOf } from '../../http/path.ts';
import { failed } from '../failure.ts';
import { findFields } from '../json-scan.ts';
import { type Asked, Leg } from '../leg.ts';
import type { Attempt } from '../plans/plan.ts';
import { Relay } from '../relay.ts';
import { spliceFields } from '../splice.ts';
import { HeldAnswer } from './held-answer.ts';
import { TwoPoolPlan } from './two-pool-plan.ts';

const TRANSFER = 'kv_transfer_params';
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
    const { exchange } = asked;
    if (!FAMILIES.has(endpointOf(pathOf(exchange.request.url ?? '/')).family)) return this.alone.attempt(asked);
    const body = spliceFields(exchange.body, TO_PREFILL, NOT_TO_PREFILL);
    if (!body) throw new RouterError('bad_request', 'expected a JSON object as the body');
    this.requireBoth(asked);
    using prefill = new Leg(this.prefill, asked, this.parts, true);
    const held = new HeldAnswer(false);
    exchange.ongoing = prefill;
    const outcome = await prefill.send(body, held);
    exchange.ongoing = undefined;
    const targets = [prefill.target];
    if (outcome.kind !== 'answered') return { outcome, targets };
    const client = new Relay(exchange, (headers) => prefill.lease.describe(headers, 'prefill-'));
    if (held.status >= 300) {
      held.passTo(client);
      return { outcome, targets };
    }
    const transfer = transferOf(held.body);
    if (transfer === undefined) return { outcome: failed(withoutTransfer(prefill.target.url), false, true), targets };
    return await this.#decodeAfter(prefill, transfer, client, asked);
  }

  async #decodeAfter(prefill: Leg, transfer: string, client: Relay, asked: Asked): Promise<Attempt> {
    const { exchange } = asked;
    if (exchange.gone) return { outcome: { kind: 'client_gone' }, targets: [prefill.target] };
    this.requireBoth(asked);
    using decode = new Leg(this.decode, asked, this.parts);
    const body = spliceFields(exchange.body, new Map([[TRANSFER, transfer]])) as Buffer;
    exchange.ongoing = decode;
    const outcome = await decode.send(body, client);
    exchange.ongoing = undefined;
    return { outcome, targets: [prefill.target, decode.target] };
  }
}

/** Where the cache lies, as JSON text. */
function transferOf(answer: Buffer): string | undefined {
  const span = findFields(answer, new Set([TRANSFER]))?.get(TRANSFER);
  const value = span && answer.toString('utf8', span.start, span.end);
  return value === 'null' ? undefined : value;
}

function withoutTransfer(url: string): RouterError {
  const hint = 'is it a vLLM server with a NIXL connector?';
  return new RouterError('worker_bad_response', `expected ${TRANSFER} in the answer of prefill server ${url}: ${hint}`);
}
