import { styleText } from 'node:util';

/** How a piece of text looks. */
export type Style = Parameters<typeof styleText>[0];

/** Text as it is written in a style: with colours, or as it is. */
export type Paint = (style: Style, text: string) => string;

type Env = Readonly<Record<string, string | undefined>>;

/** A terminal whose cursor may be moved. `CI` is set where a recording of the output is read, not the terminal. */
export function canRedraw(isTerminal: boolean, env: Env): boolean {
  return isTerminal && env.TERM !== 'dumb' && !isSet(env.CI);
}

/** With colours on a terminal that has them, unless NO_COLOR is set (no-color.org). */
export function paintFor(isTerminal: boolean, env: Env): Paint {
  const colours = isTerminal && env.TERM !== 'dumb' && !env.NO_COLOR;
  return colours ? (style, text) => styleText(style, text, { validateStream: false }) : (_style, text) => text;
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && !['', '0', 'false'].includes(value.toLowerCase());
}
