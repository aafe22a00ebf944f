import type { IncomingHttpHeaders } from 'node:http';
import { RouterError } from '../../errors/errors.ts';
import { endpointOf } from '../../http/endpoints.ts';
import { pathOf } from '../../http/path.ts';
import { type Asked, Leg } from '../../scheduler/leg.ts';
import type { Attempt } from '../../scheduler/plans/plan.ts';
import { findFields } from '../prompt/json-scan.ts';
import { spliceFields } from '../splice.ts';
import { BOOTSTRAP_FIELDS, bootstrapFields, REPLACED_FIELDS } from './bootstrap.ts';
import { PromptLogprobs } from './logprobs.ts';
import { Pair } from './pair.ts';
import { Rooms } from './rooms.ts';
import { batchSizeOf } from './shape.ts';
import { TwoPoolPlan } from './two-pool-plan.ts';

const OVERRIDES = /^x-(override-(bootstrap-|disagg-prefill-|routed-dp-)|data-parallel-rank$)/;
/** Signs of JSON in another encoding than UTF-8, which some parsers find out by themselves. */
const OTHER_ENCODING = /^(\xef\xbb\xbf|\xff\xfe|\xfe\xff|.?\0)/s;

/** A prefill server computes the prompt, a decode server the answer; both are asked at once and meet in a room. */
export class PrefillDecodePlan extends TwoPoolPlan {
  readonly #rooms = new Rooms();

  override async attempt(asked: Asked): Promise<Attempt> {
    const { exchange, endpoint } = asked;
    const { request, body } = exchange;
    const path = pathOf(request.url);
    dropOverrides(request.headers);
    if (request.upgrade !== undefined) return this.alone.attempt(asked);
    if (!endpoint.inference) {
      refuseDisguise(path);
      refuseBootstrap(body);
      return this.alone.attempt(asked);
    }
    const batch = batchSizeOf(endpoint, body);
    this.requireBoth(asked);
    using prefill = new Leg(this.prefill, asked, this.parts, true);
    using decode = new Leg(this.decode, asked, this.parts);
    const fields = bootstrapFields(prefill.target, this.#rooms.draw(batch ?? 1), batch);
    const both = exchange.changed(spliceFields(body, fields, REPLACED_FIELDS) as Buffer);
    const logprobs = PromptLogprobs.wantedBy(endpoint.family, body);
    return await new Pair(prefill, decode, exchange, this.parts.mostHeldBytes).send(both, logprobs);
  }
}

/** Servers resolve escapes in a path, and drop a fragment, before they look who serves it. */
function refuseDisguise(path: string): void {
  const plain = path
    .replace(/#.*/, '')
    .replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  if (endpointOf(plain).inference) throw new RouterError('bad_request', `expected the path as ${plain}, got ${path}`);
}

/** SGLang takes these, some only if set so, for the fields of the body, against whatever stands there. */
function dropOverrides(headers: IncomingHttpHeaders): void {
  for (const name in headers) if (OVERRIDES.test(name)) delete headers[name];
}

/** A room without its other half, from a client, ends the server that gets it. */
function refuseBootstrap(body: Buffer): void {
  if (OTHER_ENCODING.test(body.toString('latin1', 0, 4)))
    throw new RouterError('bad_request', 'expected a body in UTF-8, without byte order mark');
  const [name] = findFields(body, BOOTSTRAP_FIELDS)?.keys() ?? [];
  if (name !== undefined) {
    throw new RouterError(
      'bad_request',
      `expected no "${name}" in the body: it is the router that brings servers together`,
    );
  }
}
