import type { Given, Option } from './argv.ts';

/** One line for each given option that never does anything, or less than it seems. */
export function noticesOf(options: readonly Option[], given: ReadonlyMap<string, Given>): readonly string[] {
  return options.flatMap(({ key, spec }) => {
    const { source, occurrences = [] } = given.get(key) ?? {};
    if (!source) return [];
    if (!spec.append && differ(occurrences, spec)) {
      return [`${source} is given ${occurrences.length} times: the last alone counts`];
    }
    if (spec.noEffect) return [`${source} is accepted for compatibility, has no effect: ${spec.noEffect}`];
    return [];
  });
}

/** Lists are told of even where they are alike: whoever repeats one expects it to grow. */
function differ(occurrences: Given['occurrences'], { arity }: Option['spec']): boolean {
  if (arity === 'none' || occurrences.length < 2) return false;
  return arity !== 'one' || new Set(occurrences.map(([word]) => word)).size > 1;
}
