import { columnsOf } from '../terminal/columns.ts';
import { wrap, wrapWords } from '../terminal/wrap.ts';

/** How the text is laid out: the words that start the program, and the columns of the terminal. */
export interface Layout {
  readonly prog: string;
  readonly columns: number;
}

/** The help of a command. */
export interface Page {
  /** What follows the program's name. */
  readonly usage: string;
  /** In words; lines that begin with a space are commands, which are not broken. */
  readonly intro: string;
  readonly sections: readonly Section[];
  readonly footer?: string;
}

export interface Section {
  readonly heading: string;
  /** A flag, command or name, and what it does. */
  readonly rows: readonly (readonly [term: string, text: string])[];
}

/** Columns of the terms; a longer one has its text below it. */
const TERM_WIDTH = 34;
const WIDEST = 110;
/** Of commands. */
const INDENT = 2;
const GOES_ON = ' \\';

/** Every command's help has this form. */
export function helpPage({ usage, intro, sections, footer }: Page, { prog, columns }: Layout, termWidth = TERM_WIDTH) {
  const width = Math.min(columns, WIDEST);
  const texts = sections.map(({ heading, rows }) => {
    const lines = rows.flatMap(([term, text]) => rowLines(term, text, width, termWidth));
    return `${heading}:\n${lines.join('\n')}`;
  });
  const end = footer === undefined ? [] : [paragraphs(footer, width)];
  return `${[`Usage: ${prog} ${usage}`.trimEnd(), paragraphs(intro, width), ...texts, ...end].join('\n\n')}\n`;
}

/** A command that is longer than a line goes on in the next, so that it can be pasted; a flag and its value are one word. */
export function commandLines(words: readonly string[], columns: number): string {
  const width = Math.min(columns, WIDEST) - INDENT;
  const whole = words.join(' ');
  if (columnsOf(whole) <= width) return `  ${whole}`;
  const pieces = words.map((word) => ({ text: word, painted: word }));
  return `  ${wrapWords(pieces, width - GOES_ON.length).join(`${GOES_ON}\n      `)}`;
}

function rowLines(term: string, text: string, columns: number, termWidth: number): string[] {
  const indent = ' '.repeat(termWidth + 4);
  const lines = wrap(text, Math.max(20, columns - indent.length));
  if (columnsOf(term) > termWidth) return [`  ${term}`, ...lines.map((line) => indent + line)];
  return lines.map((line, at) => (at === 0 ? `  ${term.padEnd(termWidth)}  ${line}` : indent + line));
}

function paragraphs(text: string, columns: number): string {
  return text
    .split('\n')
    .flatMap((line) => (line.startsWith(' ') ? [line] : wrap(line, columns)))
    .join('\n');
}
