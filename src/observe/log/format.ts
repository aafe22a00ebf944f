import { styleText } from 'node:util';
import type { Fields, FormatLine, Level } from './log.ts';

const LEVEL_WIDTH = 8;
/** So that the fields of short messages stand below each other. */
const MESSAGE_WIDTH = 24;

const COLOURS = {
  debug: 'gray',
  info: 'green',
  warning: 'yellow',
  error: 'red',
  critical: ['bold', 'red'],
} as const satisfies Readonly<Record<Level, unknown>>;

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

/** The same for eyes: local time, coloured level, dim names. */
export const formatPretty: FormatLine = (time, level, message, fields) => {
  const clock = styleText('dim', clockOf(time), { validateStream: false });
  const name = styleText([COLOURS[level]].flat(), level.toUpperCase().padEnd(LEVEL_WIDTH), { validateStream: false });
  let line = '';
  for (const [key, value] of shown(fields)) {
    line += ` ${styleText('dim', `${key}=`, { validateStream: false })}${quoted(value)}`;
  }
  return `${clock} ${name} ${line === '' ? message : message.padEnd(MESSAGE_WIDTH)}${line}\n`;
};

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
