import type { Paint, Style } from '../../terminal/kind.ts';
import { wrapWords } from '../../terminal/wrap.ts';
import type { Fields, FormatLine, Level } from './line.ts';

const LEVEL_WIDTH = 8;
/** A terminal that is narrower than that breaks the lines itself. */
const ROOM_AT_LEAST = 20;

/** How lines are written for eyes. */
export interface PrettyLook {
  readonly paint: Paint;
  /** Of the terminal now. */
  readonly columns: () => number;
}

const COLOURS = {
  debug: 'gray',
  info: 'green',
  warning: 'yellow',
  error: 'red',
  critical: ['bold', 'red'],
} as const satisfies Readonly<Record<Level, Style>>;

/** Whatever could break a line apart, or be taken for another field. */
const NEEDS_QUOTES = /[^!#-<>-~]/;

/** What JSON leaves as it is, and a terminal may obey: C1 controls, separators of lines, and marks of writing direction. */
const INVISIBLE = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;
const escapeOf = (sign: string) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** `time LEVEL message key=value …`. */
export const formatText: FormatLine = (time, level, message, fields) => {
  let line = `${time.toISOString()} ${level.toUpperCase().padEnd(LEVEL_WIDTH)} ${message}`;
  for (const [key, value] of shown(fields)) line += ` ${key}=${quoted(value)}`;
  return `${line}\n`;
};

/** The same for eyes: local time, coloured level, dim names, and lines that are broken between words where the terminal ends. */
export function prettyFormat({ paint, columns }: PrettyLook): FormatLine {
  return (time, level, message, fields) => {
    const start = prettyStart(time, level.toUpperCase(), COLOURS[level], paint);
    const [head = '', ...further] = message.split('\n');
    const named = Array.from(shown(fields), ([key, value]) => {
      const text = quoted(value);
      return { text: `${key}=${text}`, painted: `${paint('dim', `${key}=`)}${text}` };
    });
    const words = head.split(' ').map((text) => ({ text, painted: text }));
    const room = Math.max(ROOM_AT_LEAST, columns() - start.plain.length);
    const indent = ' '.repeat(start.plain.length);
    const lines = wrapWords([...words, ...named], room).map((line, at) => (at === 0 ? line : indent + line));
    return `${start.painted}${[...lines, ...further].join('\n')}\n`;
  };
}

/** What each line for eyes begins with: the time, and a word in the column of the levels. */
export function prettyStart(time: Date, word: string, style: Style, paint: Paint) {
  const clock = clockOf(time);
  const padding = ' '.repeat(Math.max(0, LEVEL_WIDTH - word.length));
  return {
    plain: `${clock} ${word}${padding} `,
    painted: `${paint('dim', clock)} ${paint(style, word)}${padding} `,
  };
}

/** One JSON object a line; fields stand beside `time`, `level` and `message`. */
export const formatJson: FormatLine = (time, level, message, fields) => {
  const own = { time: time.toISOString(), level, message };
  return `${JSON.stringify({ ...own, ...fields, ...own })}\n`;
};

function* shown(fields: Fields | undefined): Iterable<readonly [string, string | number | boolean | null]> {
  for (const key in fields) {
    const value = fields[key];
    if (value !== undefined) yield [key, value];
  }
}

function quoted(value: string | number | boolean | null): string {
  return typeof value === 'string' && NEEDS_QUOTES.test(value)
    ? JSON.stringify(value).replace(INVISIBLE, escapeOf)
    : String(value);
}

function clockOf(time: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const ms = String(time.getMilliseconds()).padStart(3, '0');
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${ms}`;
}
