import { duration, roughly } from '../../terminal/duration.ts';
import type { Style } from '../../terminal/kind.ts';
import { alignCells, type Line, type Span } from '../../terminal/line.ts';
import { type Capacity, usedGb } from '../capacity.ts';
import { describePhase, PHASES, shareOf } from '../phases.ts';
import { describeGpus } from '../plan.ts';
import type { Server } from '../server.ts';

type OfServer = Pick<Server, 'plan' | 'port' | 'phase' | 'ready' | 'over' | 'elapsedMs'> & {
  readonly progress: Pick<Server['progress'], 'capacity'>;
};

/** A server as its row shows it. */
export interface Row {
  readonly server: OfServer;
  /** What it is at, where that is not a phase of its start. */
  readonly note: string | undefined;
  /** Until it is ready, as earlier starts have it. */
  readonly remainingMs: number | undefined;
  /** It uses GPUs. */
  readonly onGpus: boolean;
}

const BAR_CELLS = 12;
const ENDED = 'ended';
const NAME_COLOURS = ['cyan', 'yellow', 'green', 'magenta', 'blue', 'red'] as const;

/** A line for each server or, where these are more than `room`, one for all of them and then those that have ended or are furthest behind. */
export function boardRows(rows: readonly Row[], room: number): Line[] {
  if (rows.length <= room) return alignCells(rows.map(cellsOf));
  const behind = rows
    .filter(({ server }) => !server.ready)
    .sort((a, b) => progressOf(a) - progressOf(b))
    .slice(0, Math.max(0, room - 1))
    .sort((a, b) => a.server.plan.rank - b.server.plan.rank);
  return [summaryOf(rows), ...alignCells(behind.map(cellsOf))];
}

/** The colour of a server's name, on the board and before its output. */
export function colourOf(rank: number): Style {
  return NAME_COLOURS[rank % NAME_COLOURS.length] ?? 'cyan';
}

/** `w0  :31000  GPU 0  ████████░░░░  weights 62%  12.3 s  about 20 s more`. */
function cellsOf(row: Row): Span[] {
  const { server, note } = row;
  const { plan, port } = server;
  const [kv, memory] =
    server.ready && note === undefined ? described(server.progress.capacity, row.onGpus) : [expected(row), ''];
  return [
    { text: plan.name, style: colourOf(plan.rank) },
    { text: `:${port}`, style: 'dim' },
    { text: row.onGpus ? describeGpus(plan.gpus) : '', style: 'dim' },
    { text: bar(shareDone(row)), style: colourOfState(row) },
    { text: stateOf(row), style: colourOfState(row) },
    { text: note === undefined ? duration(server.elapsedMs) : '', style: 'dim' },
    { text: kv ?? '' },
    { text: memory ?? '' },
  ];
}

/** `40 servers  ████████░░░░  1 ended, 12 weights, 27 ready  12.3 s  about 20 s more`. */
function summaryOf(rows: readonly Row[]): Line {
  const states = rows.map(({ server }) => (hasEnded(server) ? ENDED : server.phase.name));
  const counts = [ENDED, ...PHASES].flatMap((state) => {
    const count = states.filter((one) => one === state).length;
    return count > 0 ? [`${count} ${state}`] : [];
  });
  const share = rows.reduce((sum, row) => sum + shareDone(row), 0) / rows.length;
  const slowest = rows.reduce((a, b) => (remaining(a) < remaining(b) ? b : a));
  const longestMs = Math.max(...rows.map(({ server }) => server.elapsedMs));
  const style = states.includes(ENDED) ? 'red' : rows.every(({ server }) => server.ready) ? 'green' : 'cyan';
  const [line = []] = alignCells([
    [
      { text: `${rows.length} servers` },
      { text: bar(share), style },
      { text: counts.join(', '), style },
      { text: duration(longestMs), style: 'dim' },
      { text: expected(slowest) },
    ],
  ]);
  return line;
}

function described(capacity: Capacity, onGpus: boolean): readonly string[] {
  const { kvTokens } = capacity;
  const gb = onGpus ? usedGb(capacity) : undefined;
  return [
    kvTokens === undefined ? '' : `KV ${thousands(kvTokens)} tokens`,
    gb === undefined ? '' : `${gb.toFixed(1)} GB`,
  ];
}

/** `412k`. */
function thousands(count: number): string {
  return count < 10_000 ? String(count) : `${Math.round(count / 1_000).toLocaleString('en-US')}k`;
}

function expected({ server, remainingMs }: Row): string {
  if (server.ready || server.over || remainingMs === undefined) return '';
  return remainingMs < 1_000 ? 'any moment' : `about ${roughly(remainingMs)} more`;
}

function remaining({ server, remainingMs = 0 }: Row): number {
  return server.ready || server.over ? 0 : remainingMs;
}

/** Those that have ended come first. */
function progressOf(row: Row): number {
  return hasEnded(row.server) ? -1 : shareDone(row);
}

/** How far a start is, 0 to 1: by time where that is known, else every phase weighs the same. */
function shareDone({ server, note, remainingMs }: Row): number {
  if (note !== undefined) return 0;
  if (server.ready) return 1;
  const { phase, elapsedMs } = server;
  return remainingMs === undefined ? shareOf(phase) : elapsedMs / Math.max(1, elapsedMs + remainingMs);
}

function stateOf({ server, note }: Row): string {
  if (note !== undefined) return note;
  if (hasEnded(server)) return `✗ ${ENDED}`;
  return server.ready ? '✓ ready' : describePhase(server.phase);
}

function colourOfState({ server, note }: Row): Style {
  if (note !== undefined) return 'yellow';
  if (hasEnded(server)) return 'red';
  return server.ready ? 'green' : 'cyan';
}

function hasEnded({ over, ready }: OfServer): boolean {
  return over && !ready;
}

function bar(share: number): string {
  const filled = Math.round(share * BAR_CELLS);
  return '█'.repeat(filled) + '░'.repeat(BAR_CELLS - filled);
}
