import { noWorker } from '../../scheduler/choose.ts';
import { type Asked, hasUntried, isReady, type LegParts, type Pool } from '../../scheduler/leg.ts';
import type { Attempt, Plan } from '../../scheduler/plans/plan.ts';
import { RegularPlan } from '../../scheduler/plans/regular.ts';

/** What plans have in common that take a prefill server and a decode server, one of each. */
export abstract class TwoPoolPlan implements Plan {
  protected readonly prefill: Pool;
  protected readonly decode: Pool;
  protected readonly parts: LegParts;
  /** For what needs no pair: questions about the model, and paths that are not known. */
  protected readonly alone: RegularPlan;

  constructor(prefill: Pool, decode: Pool, parts: LegParts) {
    this.prefill = prefill;
    this.decode = decode;
    this.parts = parts;
    this.alone = new RegularPlan(decode, parts);
  }

  isReady(model?: string): boolean {
    return isReady(this.prefill, model) && isReady(this.decode, model);
  }

  hasUntried(asked: Asked): boolean {
    return hasUntried(this.prefill, asked) || hasUntried(this.decode, asked);
  }

  abstract attempt(asked: Asked): Promise<Attempt>;

  /** Throws RouterError where one is missing: a leg that was chosen already would stay counted. */
  protected requireBoth({ model }: Asked): void {
    if (!this.isReady(model)) throw noWorker(model);
  }
}
