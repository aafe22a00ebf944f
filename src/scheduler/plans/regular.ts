import { Relay } from '../../data/relay.ts';
import { type Asked, hasUntried, isReady, Leg, type LegParts, type Pool } from '../leg.ts';
import type { Attempt, Plan } from './plan.ts';

/** One worker answers the whole request. */
export class RegularPlan implements Plan {
  readonly #pool: Pool;
  readonly #parts: LegParts;

  constructor(pool: Pool, parts: LegParts) {
    this.#pool = pool;
    this.#parts = parts;
  }

  isReady(model?: string): boolean {
    return isReady(this.#pool, model);
  }

  hasUntried(asked: Asked): boolean {
    return hasUntried(this.#pool, asked);
  }

  async attempt(asked: Asked): Promise<Attempt> {
    const { exchange } = asked;
    const leg = new Leg(this.#pool, asked, this.#parts);
    exchange.ongoing = leg;
    const outcome = await leg.send(exchange, new Relay(exchange));
    exchange.ongoing = undefined;
    return { outcome, targets: [leg.target] };
  }
}
