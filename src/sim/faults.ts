import type { SimOptions } from './options.ts';

/** What is to happen to an inference request. */
type Fate = 'serve' | 'fail' | 'die' | 'hang';

type FaultOptions = Pick<SimOptions, 'failFirst' | 'dieOnRequest' | 'dieOnText' | 'hangAfter' | 'hangHealth'>;

/** Decides which requests go wrong, by the order in which they come and by what is in them. */
export class Faults {
  readonly #options: FaultOptions;
  #requests = 0;

  constructor(options: FaultOptions) {
    this.#options = options;
  }

  /** Counts one more inference request and decides what becomes of it. */
  next(body: Buffer): Fate {
    const number = ++this.#requests;
    const { failFirst, dieOnRequest, dieOnText, hangAfter } = this.#options;
    if (number === dieOnRequest || (dieOnText && body.includes(dieOnText))) return 'die';
    if (hangAfter !== undefined && number > hangAfter) return 'hang';
    return number <= failFirst ? 'fail' : 'serve';
  }

  /** True where the health endpoints must stay silent as well. */
  get healthHangs(): boolean {
    const { hangAfter, hangHealth } = this.#options;
    return hangHealth && hangAfter !== undefined && this.#requests > hangAfter;
  }
}
