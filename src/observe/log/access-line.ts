import { columnsOf, cutToColumns } from '../../terminal/columns.ts';
import type { Style } from '../../terminal/kind.ts';
import type { RequestRecord } from '../request-record.ts';
import { type PrettyLook, prettyStart } from './format.ts';

/** How the line of a request is written for eyes. */
interface AccessLook extends PrettyLook {
  /** What a worker is called here; undefined where it has no other name than its URL. */
  readonly nameOf: (worker: string) => string | undefined;
}

const COLUMNS_AT_LEAST = 40;
const PATH_AT_LEAST = 24;
/** So that the cells behind it stand below each other where the paths are as usual. */
const PATH_USUALLY = 26;
/** A wait that is worth a word. */
const WAITED_MS = 100;

/** `12:00:00.123 200      POST /generate  w0  3.56 s  …`: one row of the terminal, what matters least left out first. */
export function accessLine(time: Date, record: RequestRecord, { paint, columns, nameOf }: AccessLook): string {
  const status = statusOf(record);
  const start = prettyStart(time, status.text, status.style, paint);
  const method = record.method.slice(0, 10);
  const room = Math.max(COLUMNS_AT_LEAST, columns() - 1) - columnsOf(start.plain) - columnsOf(method) - 1;
  const pathAtLeast = Math.min(PATH_AT_LEAST, columnsOf(record.path));
  let left = room - pathAtLeast;
  const cells: string[] = [];
  for (const cell of cellsOf(record, nameOf)) {
    left -= columnsOf(cell) + 2;
    if (left < 0) break;
    cells.push(cell);
  }
  const fixed = cells.reduce((sum, cell) => sum + columnsOf(cell) + 2, 0);
  const path = shortened(record.path, room - fixed);
  const spare = room - fixed - columnsOf(path);
  const padding = ' '.repeat(Math.max(0, Math.min(spare, PATH_USUALLY - columnsOf(path))));
  return `${start.painted}${method} ${path}${padding}${cells.map((cell) => `  ${cell}`).join('')}\n`;
}

function statusOf({ status, clientLeft, errorEvent }: RequestRecord): { text: string; style: Style } {
  if (clientLeft) return { text: 'left', style: 'yellow' };
  const counts = errorEvent ?? status;
  const style = counts >= 500 ? 'red' : counts >= 400 ? 'yellow' : counts >= 300 ? 'cyan' : 'green';
  return { text: errorEvent === undefined ? String(status) : `${status}/${errorEvent}`, style };
}

/** What there is to say, the most important first. */
function cellsOf(record: RequestRecord, nameOf: AccessLook['nameOf']): string[] {
  const { worker, totalMs, errorCode, attempts, queueMs, streams, firstByteMs } = record;
  return [
    worker === undefined ? '-' : (nameOf(worker) ?? worker.replace(/^https?:\/\//, '')),
    time(totalMs).padEnd(7),
    ...(errorCode === undefined ? [] : [errorCode]),
    ...(record.clientLeft ? ['client left'] : []),
    ...(attempts > 1 ? [`${attempts} attempts`] : []),
    ...(queueMs >= WAITED_MS ? [`waited ${time(queueMs)}`] : []),
    ...(streams && firstByteMs !== undefined ? [`TTFT ${time(firstByteMs)}`] : []),
    ...tokens(record),
  ];
}

function tokens({ promptTokens, completionTokens, cachedTokens }: RequestRecord): string[] {
  if (promptTokens === undefined) return [];
  const counts = `${promptTokens}+${completionTokens ?? 0} tok`;
  if (!cachedTokens || promptTokens === 0) return [counts];
  return [counts, `${Math.round((cachedTokens / promptTokens) * 100)}% cached`];
}

function time(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

function shortened(path: string, columns: number): string {
  return columnsOf(path) <= columns ? path : `${cutToColumns(path, columns - 1)}…`;
}
