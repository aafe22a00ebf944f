import type { Given, Option } from './argv.ts';
import { BY_DEFAULT, type Origin } from './origin.ts';

/** The value of one option, and where it came from. */
export interface Setting {
  readonly key: string;
  /** In full, as this command spells it: `--router-policy`. */
  readonly flag: string;
  /** As the command line writes it; `***` for keys. Empty where there is none, and for a switch that is on. */
  readonly value: string;
  readonly origin: Origin;
}

/** The value of each option in the order of the table, given or default. */
export function settingsOf(options: readonly Option[], given: ReadonlyMap<string, Given>): readonly Setting[] {
  return options.map(({ key, spec }) => {
    const found = given.get(key);
    const words = spec.render(found ? spec.parse(found.occurrences) : spec.default).flat();
    const value = spec.secret && words.length > 0 ? '***' : words.join(' ');
    return { key, flag: spec.flags[0], value, origin: found?.origin ?? BY_DEFAULT };
  });
}
