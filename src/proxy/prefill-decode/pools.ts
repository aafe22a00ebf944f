import { noWorker } from '../choose.ts';
import { type Asked, hasUntried, isReady, type Pool } from '../leg.ts';

/** Who computes prompts and who decodes: of each one is needed. */
export class Pools {
  readonly prefill: Pool;
  readonly decode: Pool;

  constructor(prefill: Pool, decode: Pool) {
    this.prefill = prefill;
    this.decode = decode;
  }

  get ready(): boolean {
    return isReady(this.prefill) && isReady(this.decode);
  }

  hasUntried(asked: Asked): boolean {
    return hasUntried(this.prefill, asked) || hasUntried(this.decode, asked);
  }

  /** Throws RouterError where one is missing: a leg that was chosen already would stay counted. */
  require({ model }: Asked): void {
    if (!isReady(this.prefill, model) || !isReady(this.decode, model)) throw noWorker(model);
  }
}
