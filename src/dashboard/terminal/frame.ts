import { cutToColumns } from '../../terminal/columns.ts';
import type { Snapshot } from '../snapshot.ts';
import { tableLines } from './table.ts';
import { DECISION_COLUMNS, ERROR_COLUMNS, SERVER_COLUMNS, summaryLines, WORKER_COLUMNS } from './views.ts';

/** One line of the screen; a title is set off. */
export interface Line {
  readonly text: string;
  readonly isTitle?: boolean;
}

/** What a frame is drawn from. */
interface FrameParts {
  readonly snapshot: Snapshot;
  /** Requests a second, the oldest first. */
  readonly rates: readonly number[];
  /** Workers that are scrolled past. */
  readonly scrolled: number;
  readonly columns: number;
  readonly rows: number;
  /** Said in place of the keys. */
  readonly notice: string | undefined;
  readonly url: string;
}

const KEYS = 'q quit   ↑ ↓ scroll the workers';
const BARS = '▁▂▃▄▅▆▇█';
/** Of the errors as many as this, of the decisions as many at least. */
const FEW = 3;

/** The whole screen of `top`: never more lines or columns than there are. */
export function frame(parts: FrameParts): Line[] {
  const { snapshot, rates, columns, rows, notice, url } = parts;
  const head = [...summaryLines(snapshot), rateLine(rates, columns)].map(plain);
  const room = Math.max(0, rows - head.length - 1);
  const starting = servers(snapshot, columns);
  const body = [...starting, ...tables(parts, Math.max(0, room - starting.length))].slice(0, room);
  const foot = plain(notice ?? `${KEYS}   ${url}`);
  const blank = Array.from({ length: Math.max(0, room - body.length) }, () => plain(''));
  return [...head, ...body, ...blank, foot]
    .slice(0, rows)
    .map(({ text, ...line }) => ({ ...line, text: cutToColumns(text, columns) }));
}

/** How many workers cannot be scrolled past: the last stays on the screen. */
export function mostScrolled({ workers }: Snapshot): number {
  return Math.max(0, workers.length - 1);
}

function servers({ servers: all }: Snapshot, columns: number): Line[] {
  const starting = all.filter(({ state }) => state !== 'ready');
  return starting.length === 0 ? [] : [...table(tableLines(SERVER_COLUMNS, starting, columns)), plain('')];
}

/** Workers come first; what they leave is for errors, a few, and decisions. */
function tables({ snapshot, scrolled, columns }: FrameParts, room: number): Line[] {
  const { workers, errors, decisions } = snapshot;
  const errorRows = errors.slice(0, FEW);
  const others = (errorRows.length > 0 ? errorRows.length + 2 : 0) + (decisions.length > 0 ? FEW + 2 : 0);
  const shown = workers.slice(scrolled, scrolled + Math.max(FEW, room - others - 1));
  const workerLines = table(tableLines(WORKER_COLUMNS, shown, columns));
  const left = workers.length - scrolled - shown.length;
  if (left > 0) workerLines.push(plain(`… ${left} more`));
  const errorLines = errorRows.length > 0 ? [plain(''), ...table(tableLines(ERROR_COLUMNS, errorRows, columns))] : [];
  const decisionRoom = room - workerLines.length - errorLines.length - 2;
  const decisionRows = decisions.slice(0, Math.max(0, decisionRoom));
  const decisionLines =
    decisionRows.length > 0 ? [plain(''), ...table(tableLines(DECISION_COLUMNS, decisionRows, columns))] : [];
  return [...workerLines, ...errorLines, ...decisionLines];
}

function table([title = '', ...rows]: readonly string[]): Line[] {
  return [{ text: title, isTitle: true }, ...rows.map(plain)];
}

function plain(text: string): Line {
  return { text };
}

function rateLine(rates: readonly number[], columns: number): string {
  const name = 'requests/s ';
  const recent = rates.slice(-Math.max(1, Math.min(60, columns - name.length)));
  const most = Math.max(...recent, 0);
  const bars = recent.map((rate) => BARS[most === 0 ? 0 : Math.round((rate / most) * (BARS.length - 1))]);
  return name + bars.join('');
}
