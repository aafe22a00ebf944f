import { columnsOf } from './columns.ts';

/** A word, and how it is written: with colours, or as it is. */
interface Word {
  readonly text: string;
  readonly painted: string;
}

/** Words in lines of so many columns; one that is longer has a line to itself. */
export function wrapWords(words: Iterable<Word>, columns: number): string[] {
  const lines: string[] = [];
  let line: string | undefined;
  let used = 0;
  for (const { text, painted } of words) {
    const width = columnsOf(text);
    if (line !== undefined && used + 1 + width <= columns) {
      line += ` ${painted}`;
      used += 1 + width;
      continue;
    }
    if (line !== undefined) lines.push(line);
    line = painted;
    used = width;
  }
  return [...lines, line ?? ''];
}

/** Text in lines of so many columns, broken between words. */
export function wrap(text: string, columns: number): string[] {
  return wrapWords(
    text.split(' ').map((word) => ({ text: word, painted: word })),
    columns,
  );
}
