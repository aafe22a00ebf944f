import type { Given, Option } from './argv.ts';

/** One line for each given option that never does anything, or less than it seems. */
export function noticesOf(options: readonly Option[], given: ReadonlyMap<string, Given>): readonly string[] {
  return options.flatMap(({ key, spec }) => {
    const { source, occurrences = [] } = given.get(key) ?? {};
    if (!source) return [];
    if (spec.arity === 'any' && !spec.append && occurrences.length > 1) {
      return [`${source} is given ${occurrences.length} times: the last alone counts`];
    }
    if (spec.noEffect) return [`${source} is accepted for compatibility, has no effect: ${spec.noEffect}`];
    return [];
  });
}
