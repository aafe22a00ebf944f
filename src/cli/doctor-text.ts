import { styleText } from 'node:util';
import { Help } from 'commander';
import type { Finding, Verdict } from '../doctor/check.ts';

/** Where it is printed. */
type TextStream = Pick<NodeJS.WriteStream, 'isTTY' | 'columns'> & NodeJS.WritableStream;

const COLOURS = { ok: 'green', warning: 'yellow', problem: 'red' } as const;
const TITLE_WIDTH = 12;
const VERDICT_WIDTH = 9;
const INDENT = ' '.repeat(TITLE_WIDTH + VERDICT_WIDTH);
const PIPED_COLUMNS = 110;

/** A hint with a command to copy is not wrapped. */
const COMMAND = /\b(?:export|unset) \w/;

/** A finding in words: what was looked at, the verdict, and what to do. */
export function findingText(title: string, { verdict, text, hint }: Finding, stream: TextStream): string {
  const columns = (stream.isTTY && stream.columns) || PIPED_COLUMNS;
  const wrapped = (words: string) =>
    new Help().boxWrap(words, Math.max(columns - INDENT.length, 40)).replaceAll('\n', `\n${INDENT}`);
  const mark = styleText(COLOURS[verdict], verdict.padEnd(VERDICT_WIDTH), { stream });
  const advice = `hint: ${hint}`;
  const row = `${title.padEnd(TITLE_WIDTH)}${mark}${wrapped(text)}\n`;
  if (hint === undefined) return row;
  return `${row}${INDENT}${COMMAND.test(hint) ? advice : wrapped(advice)}\n`;
}

/** The verdict on all of it. */
export function summaryText(findings: readonly Finding[]): string {
  const count = (wanted: Verdict) => findings.filter(({ verdict }) => verdict === wanted).length;
  const [problems, warnings] = [count('problem'), count('warning')];
  if (problems + warnings === 0) return '\nnothing is wrong\n';
  const parts = [named(problems, 'problem'), named(warnings, 'warning')].filter(Boolean).join(', ');
  return `\n${parts}${problems === 0 ? ': a start works' : ': a start fails or does not serve'}\n`;
}

function named(count: number, what: string): string {
  return count === 0 ? '' : `${count} ${what}${count === 1 ? '' : 's'}`;
}
