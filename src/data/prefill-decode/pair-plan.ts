import type { IncomingHttpHeaders } from 'node:http';
import { RouterError } from '../../errors/errors.ts';
import { endpointOf } from '../../http/endpoints.ts';
import { pathOf } from '../../http/path.ts';
import type { AssignedCall, Assignment, AttemptEnd } from '../../link/assignment.ts';
import type { Exchange } from '../exchange.ts';
import type { Plan, Planner } from '../plans/plan.ts';
import { SinglePlan } from '../plans/single.ts';
import { findFields } from '../prompt/json-scan.ts';
import { spliceFields } from '../splice.ts';
import { WorkerCall } from '../worker-call.ts';
import { BOOTSTRAP_FIELDS, bootstrapFields, REPLACED_FIELDS } from './bootstrap.ts';
import { PromptLogprobs } from './logprobs.ts';
import { Pair } from './pair.ts';
import { Rooms } from './rooms.ts';
import { type BatchSize, batchSizeOf } from './shape.ts';

const OVERRIDES = /^x-(override-(bootstrap-|disagg-prefill-|routed-dp-)|data-parallel-rank$)/;
/** Matches JSON in another encoding than UTF-8, which some parsers detect by themselves. */
const OTHER_ENCODING = /^(\xef\xbb\xbf|\xff\xfe|\xfe\xff|.?\0)/s;

/** Plans for servers that meet in a bootstrap room and are asked at once. Requests that need no pair go to a decode server. */
export function pairPlanner(mostHeldBytes: number): Planner {
  const rooms = new Rooms();
  return (exchange) => {
    const { request, endpoint, body } = exchange;
    dropOverrides(request.headers);
    if (request.upgrade !== undefined) return new SinglePlan(exchange, 'decode');
    if (!endpoint.inference) {
      refuseDisguise(pathOf(request.url));
      refuseBootstrap(body);
      return new SinglePlan(exchange, 'decode');
    }
    return new PairPlan(exchange, { batch: batchSizeOf(endpoint, body), rooms, mostHeldBytes });
  };
}

interface PairPlanParts {
  readonly batch: BatchSize;
  readonly rooms: Rooms;
  /** Most bytes of an answer that may be held. */
  readonly mostHeldBytes: number;
}

/** A prefill server computes the prompt, a decode server the answer; both are asked at once and meet in a room. */
class PairPlan implements Plan {
  readonly shape = 'pair';
  readonly #exchange: Exchange;
  readonly #parts: PairPlanParts;

  constructor(exchange: Exchange, parts: PairPlanParts) {
    this.#exchange = exchange;
    this.#parts = parts;
  }

  attempt({ calls, retries, deadlineMs }: Assignment): Promise<AttemptEnd> {
    const exchange = this.#exchange;
    const { batch, rooms, mostHeldBytes } = this.#parts;
    const parts = { exchange, retries, deadlineMs };
    const [first, second] = calls as readonly [AssignedCall, AssignedCall];
    const prefill = new WorkerCall(first, parts, true);
    const decode = new WorkerCall(second, parts);
    const fields = bootstrapFields(prefill.target, rooms.draw(batch ?? 1), batch);
    const both = exchange.changed(spliceFields(exchange.body, fields, REPLACED_FIELDS) as Buffer);
    const logprobs = PromptLogprobs.wantedBy(exchange.endpoint.family, exchange.body);
    return new Pair(prefill, decode, exchange, mostHeldBytes).send(both, logprobs);
  }
}

/** Refuses paths with escapes or a fragment, which servers would read as another path. */
function refuseDisguise(path: string): void {
  const plain = path
    .replace(/#.*/, '')
    .replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  if (endpointOf(plain).inference) throw new RouterError('bad_request', `expected the path as ${plain}, got ${path}`);
}

/** Drops headers that SGLang would let override body fields. */
function dropOverrides(headers: IncomingHttpHeaders): void {
  for (const name in headers) if (OVERRIDES.test(name)) delete headers[name];
}

/** Refuses bootstrap fields of a client: a room without its other half crashes a server. */
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
