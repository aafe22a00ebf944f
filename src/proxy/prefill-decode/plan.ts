import type { IncomingHttpHeaders } from 'node:http';
import { RouterError } from '../../errors.ts';
import { pathOf } from '../../http/path.ts';
import { noWorker } from '../choose.ts';
import { findFields } from '../json-scan.ts';
import { type Asked, hasUntried, isReady, Leg, type LegParts, type Pool } from '../leg.ts';
import type { Attempt, Plan } from '../plans/plan.ts';
import { RegularPlan } from '../plans/regular.ts';
import { spliceFields } from '../splice.ts';
import { BOOTSTRAP_FIELDS, bootstrapFields } from './bootstrap.ts';
import { PromptLogprobs } from './logprobs.ts';
import { Pair } from './pair.ts';
import { Rooms } from './rooms.ts';
import { batchSizeOf, isForPair } from './shape.ts';

const OVERRIDES = /^x-override-(bootstrap-|disagg-prefill-)/;

/** A prefill server computes the prompt, a decode server the answer; both are asked at once and meet in a room. */
export class PrefillDecodePlan implements Plan {
  readonly #prefill: Pool;
  readonly #decode: Pool;
  readonly #parts: LegParts;
  readonly #rooms = new Rooms();
  /** For what needs no pair: questions about the model, and paths that are not known. */
  readonly #alone: RegularPlan;

  constructor(prefill: Pool, decode: Pool, parts: LegParts) {
    this.#prefill = prefill;
    this.#decode = decode;
    this.#parts = parts;
    this.#alone = new RegularPlan(decode, parts);
  }

  get ready(): boolean {
    return isReady(this.#prefill) && isReady(this.#decode);
  }

  hasUntried(asked: Asked): boolean {
    return hasUntried(this.#prefill, asked) || hasUntried(this.#decode, asked);
  }

  async attempt(asked: Asked): Promise<Attempt> {
    const { exchange } = asked;
    const { request, body } = exchange;
    const path = pathOf(request.url ?? '/');
    dropOverrides(request.headers);
    if (!isForPair(path)) {
      refuseBootstrap(body);
      return this.#alone.attempt(asked);
    }
    const batch = batchSizeOf(path, body);
    if (!this.ready) throw noWorker();
    const prefill = new Leg(this.#prefill, asked, this.#parts, true);
    const decode = new Leg(this.#decode, asked, this.#parts);
    const fields = bootstrapFields(prefill.target, this.#rooms.draw(batch ?? 1), batch);
    const both = spliceFields(body, fields, BOOTSTRAP_FIELDS) as Buffer;
    return new Pair(prefill, decode, exchange).send(both, PromptLogprobs.wantedBy(path, body));
  }
}

/** SGLang can be set to take these for the fields of the body, against whatever stands there. */
function dropOverrides(headers: IncomingHttpHeaders): void {
  for (const name in headers) if (OVERRIDES.test(name)) delete headers[name];
}

/** A room without its other half, from a client, ends the server that gets it. */
function refuseBootstrap(body: Buffer): void {
  const [name] = findFields(body.toString('latin1'), BOOTSTRAP_FIELDS)?.keys() ?? [];
  if (name !== undefined) {
    throw new RouterError(
      'bad_request',
      `expected no "${name}" in the body: it is the router that brings servers together`,
    );
  }
}
