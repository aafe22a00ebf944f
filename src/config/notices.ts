import type { Given, Option } from './argv.ts';

/** One line for each given option, or value in use, that does nothing yet or never will. */
export function noticesOf(
  options: readonly Option[],
  given: ReadonlyMap<string, Given>,
  values: Readonly<Record<string, unknown>>,
  launcher: boolean,
): readonly string[] {
  return options.flatMap(({ key, spec }) => {
    const source = given.get(key)?.source;
    const meanwhile = spec.pendingValues?.[String(values[key])];
    if (meanwhile) {
      const name = `${source ?? spec.flags[0]} ${values[key]}${source ? '' : ' (the default)'}`;
      return [`${name} is not implemented yet: ${meanwhile}`];
    }
    if (!source) return [];
    if (spec.noEffect) return [`${source} is accepted for compatibility, has no effect: ${spec.noEffect}`];
    if (!spec.pending || (launcher && spec.launcherHasIt)) return [];
    return [`${source} is not implemented yet: ${spec.pending}`];
  });
}
