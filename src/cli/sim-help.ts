import { simOptionGroups } from '../sim/options.ts';
import { helpPage, type Layout } from './help.ts';

const INTRO = `A simulated SGLang server: its HTTP API, prefix cache and timing, without GPU or model.
Any other flag of SGLang is accepted and has no effect.`;

/** Help of the simulated engine. */
export function simHelp(layout: Layout): string {
  const sections = simOptionGroups().map(({ heading, options }) => ({
    heading,
    rows: options.map(({ flags: [flag, ...aliases], metavar, help, default: fallback }) => {
      const asides = [
        ...(fallback === undefined || metavar === undefined ? [] : [`default: ${fallback}`]),
        ...(aliases.length > 0 ? [`also ${aliases.join(', ')}`] : []),
      ];
      const term = metavar === undefined ? flag : `${flag} ${metavar}`;
      return [term, `${help}${asides.length > 0 ? ` (${asides.join('; ')})` : ''}`] as const;
    }),
  }));
  return helpPage({ usage: '[flags]', intro: INTRO, sections }, layout);
}
