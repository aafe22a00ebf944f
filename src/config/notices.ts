import type { Given, Option } from './argv.ts';

/** One line for each given option that does nothing yet or never will. */
export function noticesOf(options: readonly Option[], given: ReadonlyMap<string, Given>): readonly string[] {
  return options.flatMap(({ key, spec }) => {
    const source = given.get(key)?.source;
    if (!source) return [];
    if (spec.noEffect) return [`${source} is accepted for compatibility, has no effect: ${spec.noEffect}`];
    if (!spec.pending) return [];
    return [`${source} is not implemented yet: ${spec.pending}`];
  });
}
