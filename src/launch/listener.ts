import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { readProcessTable } from './process-table.ts';

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
/** Socket state, as proc_net_tcp(5) writes it. */
const LISTENING = '0A';

/** Whether a process of the group listens on the TCP port; undefined where the kernel does not let us know. */
export function groupListens(group: number, port: number): boolean | undefined {
  const listening = new Set(TABLES.flatMap((file) => listeningSockets(file, port)));
  const members = readProcessTable()?.filter((entry) => entry.group === group) ?? [];
  const open = members.flatMap(({ pid }) => openFiles(pid));
  return listening.size === 0 || open.length === 0 ? undefined : open.some((file) => listening.has(file));
}

function listeningSockets(file: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = attempt(() => readFileSync(file, 'utf8').split('\n'), []).map((line) => line.trim().split(/\s+/));
  return rows.flatMap(([, local, , state, , , , , , inode]) =>
    local?.endsWith(suffix) && state === LISTENING ? [`socket:[${inode}]`] : [],
  );
}

function openFiles(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return attempt(() => readdirSync(folder), []).map((name) => attempt(() => readlinkSync(`${folder}/${name}`), ''));
}

/** The fallback for what ended meanwhile. */
function attempt<T>(read: () => T, fallback: T): T {
  try {
    return read();
  } catch {
    return fallback;
  }
}
