import { columnsOf, cutToColumns } from '../../terminal/columns.ts';

/** One column of a table of texts. */
export interface Column<T> {
  readonly title: string;
  readonly text: (row: T) => string;
  /** Figures stand below one another. */
  readonly right?: boolean;
  /** Of what does not fit, the highest numbers go first; those without stay. */
  readonly spare?: number;
  /** Wider texts are cut. */
  readonly most?: number;
}

const GAP = '  ';

/** Lines of a table, its titles the first, none wider than `width`. A column in which nothing stands is left out. */
export function tableLines<T>(all: readonly Column<T>[], rows: readonly T[], width: number): string[] {
  const columns = all.filter(({ text }) => rows.length === 0 || rows.some((row) => text(row) !== ''));
  const cells = columns.map((column) => ({
    column,
    texts: [column.title, ...rows.map((row) => cutToColumns(printable(column.text(row)), column.most ?? width))],
  }));
  const widths = new Map(cells.map(({ column, texts }) => [column, Math.max(...texts.map(columnsOf))]));
  const shown = fitting(columns, widths, width);
  return Array.from({ length: rows.length + 1 }, (_, line) => {
    const texts = cells.flatMap(({ column, texts }) => {
      if (!shown.has(column)) return [];
      return padded(texts[line] ?? '', widths.get(column) ?? 0, column.right ?? false);
    });
    return cutToColumns(texts.join(GAP).trimEnd(), width);
  });
}

function fitting<T>(
  columns: readonly Column<T>[],
  widths: ReadonlyMap<Column<T>, number>,
  width: number,
): ReadonlySet<Column<T>> {
  const shown = new Set(columns);
  const needed = () => [...shown].reduce((sum, column) => sum + (widths.get(column) ?? 0) + GAP.length, -GAP.length);
  const spare = columns.filter((column) => column.spare !== undefined).sort((a, b) => (b.spare ?? 0) - (a.spare ?? 0));
  for (const column of spare) {
    if (needed() <= width) break;
    shown.delete(column);
  }
  return shown;
}

function padded(text: string, width: number, right: boolean): string {
  const space = ' '.repeat(Math.max(0, width - columnsOf(text)));
  return right ? space + text : text + space;
}

/** Names come from others: what would move the cursor is shown, not obeyed. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '�');
}
