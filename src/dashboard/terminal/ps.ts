import type { Snapshot } from '../snapshot.ts';
import { tableLines } from './table.ts';
import { SERVER_COLUMNS, summaryLines, WORKER_COLUMNS } from './views.ts';

/** What `ps` prints, in `width` columns. */
export function psText(snapshot: Snapshot, width: number): string {
  const [state = ''] = summaryLines(snapshot);
  const starting = snapshot.servers.filter((server) => server.state !== 'ready');
  const servers = starting.length > 0 ? [...tableLines(SERVER_COLUMNS, starting, width), ''] : [];
  const lines = [state, '', ...servers, ...tableLines(WORKER_COLUMNS, snapshot.workers, width)];
  return `${lines.join('\n')}\n`;
}
