import { columnsOf, cutToColumns } from './columns.ts';
import type { Paint, Style } from './kind.ts';

/** A piece of a line, without control characters. */
export interface Span {
  readonly text: string;
  readonly style?: Style;
}

export type Line = readonly Span[];

/** The beginning of a line, as much as fits. */
export function cutLine(line: Line, columns: number): Line {
  let left = columns;
  const kept: Span[] = [];
  for (const span of line) {
    const text = cutToColumns(span.text, left);
    if (text !== '') kept.push({ ...span, text });
    if (text.length < span.text.length) break;
    left -= columnsOf(text);
  }
  return kept;
}

export function paintLine(line: Line, paint: Paint): string {
  return line.map(({ text, style }) => (style === undefined ? text : paint(style, text))).join('');
}

export function textOf(line: Line): string {
  return line.map(({ text }) => text).join('');
}

/** Lines whose cells stand below each other, two columns apart. Columns that are empty in every line take no room. */
export function alignCells(rows: readonly (readonly Span[])[]): Line[] {
  const widths: number[] = [];
  for (const cells of rows) {
    for (const [at, { text }] of cells.entries()) widths[at] = Math.max(widths[at] ?? 0, columnsOf(text));
  }
  return rows.map((cells) => {
    const line = cells.flatMap((cell, at) => {
      const width = widths[at] ?? 0;
      return width === 0 ? [] : [cell, { text: ' '.repeat(width - columnsOf(cell.text) + 2) }];
    });
    return line.slice(0, line.findLastIndex(({ text }) => text.trim() !== '') + 1);
  });
}
