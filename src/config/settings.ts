import type { Given, Option } from './argv.ts';
import { BY_DEFAULT, type Origin } from './origin.ts';
import { valuesOf } from './resolve.ts';
import type { Spec } from './spec.ts';

/** The value of one option, and where it came from. */
export interface Setting {
  readonly key: string;
  readonly spec: Spec;
  /** In full, as this command spells it: `--router-policy`. */
  readonly flag: string;
  /** As the command line writes it; `***` for keys. Empty where there is none, and for a switch that is on. */
  readonly value: string;
  /** The words of each occurrence, keys as they are. */
  readonly occurrences: Given['occurrences'];
  readonly origin: Origin;
}

/** The value of each option in the order of the table, given or default. Throws a usage error for one that cannot be read. */
export function settingsOf(options: readonly Option[], given: ReadonlyMap<string, Given>): readonly Setting[] {
  const values = valuesOf(options, given);
  return options.map(({ key, spec }) => {
    const value = values[key];
    const occurrences = spec.render(value);
    const words = value === false ? 'false' : occurrences.flat().join(' ');
    return {
      key,
      spec,
      flag: spec.flags[0],
      value: spec.secret && words !== '' ? '***' : words,
      occurrences,
      origin: given.get(key)?.origin ?? BY_DEFAULT,
    };
  });
}
