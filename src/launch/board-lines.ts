import { describePhase, PHASES } from './phases.ts';
import type { Server } from './server.ts';

/** What is shown of a server. */
export type Shown = Pick<Server, 'plan' | 'port' | 'phase' | 'share' | 'ready' | 'over' | 'elapsedMs'>;

const BAR_CELLS = 12;
const ENDED = 'ended';

/** A line for each server or, where these are more than `room`, one for all of them and then those that have ended or are furthest behind. */
export function boardLines(servers: readonly Shown[], room: number): string[] {
  if (servers.length <= room) return servers.map(serverLine);
  const behind = servers
    .filter(({ ready }) => !ready)
    .sort((a, b) => progressOf(a) - progressOf(b))
    .slice(0, Math.max(0, room - 1))
    .sort((a, b) => a.plan.rank - b.plan.rank);
  return [summaryLine(servers), ...behind.map(serverLine)];
}

/** `w0 :31000  ████████░░░░  weights 62%  12.3 s`. */
function serverLine(server: Shown): string {
  const state = hasEnded(server) ? ENDED : describePhase(server.phase);
  return `${server.plan.name} :${server.port}  ${bar(server.share)}  ${state}  ${seconds(server.elapsedMs)}`;
}

/** `40 servers  ████████░░░░  1 ended, 12 weights, 27 ready  12.3 s`. */
function summaryLine(servers: readonly Shown[]): string {
  const counts = [ENDED, ...PHASES].flatMap((state) => {
    const count = servers.filter((server) => stateOf(server) === state).length;
    return count > 0 ? [`${count} ${state}`] : [];
  });
  const share = servers.reduce((sum, server) => sum + server.share, 0) / servers.length;
  const longestMs = Math.max(...servers.map(({ elapsedMs }) => elapsedMs));
  return `${servers.length} servers  ${bar(share)}  ${counts.join(', ')}  ${seconds(longestMs)}`;
}

/** Those that have ended come first. */
function progressOf(server: Shown): number {
  return hasEnded(server) ? -1 : server.share;
}

function stateOf(server: Shown): string {
  return hasEnded(server) ? ENDED : server.phase.name;
}

function hasEnded({ over, ready }: Shown): boolean {
  return over && !ready;
}

function bar(share: number): string {
  const filled = Math.round(share * BAR_CELLS);
  return '█'.repeat(filled) + '░'.repeat(BAR_CELLS - filled);
}

/** `12.3 s`. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
