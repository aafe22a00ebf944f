import { readdir, readFile, readlink } from 'node:fs/promises';
import { readProcessTable } from './process-table.ts';

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
/** Socket state, as proc_net_tcp(5) writes it. */
const LISTENING = '0A';

/** Whether a process of the group listens on the TCP port; undefined where the kernel does not let us know. */
export async function groupListens(group: number, port: number): Promise<boolean | undefined> {
  const listening = new Set((await Promise.all(TABLES.map((file) => listeningSockets(file, port)))).flat());
  const members = (await readProcessTable())?.filter((entry) => entry.group === group) ?? [];
  const open = (await Promise.all(members.map(({ pid }) => openFiles(pid)))).flat();
  return listening.size === 0 || open.length === 0 ? undefined : open.some((file) => listening.has(file));
}

async function listeningSockets(file: string, port: number): Promise<string[]> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = (await readFile(file, 'utf8').catch(() => '')).split('\n').map((line) => line.trim().split(/\s+/));
  return rows.flatMap(([, local, , state, , , , , , inode]) =>
    local?.endsWith(suffix) && state === LISTENING ? [`socket:[${inode}]`] : [],
  );
}

/** None of what has ended meanwhile. */
async function openFiles(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/fd`;
  const names = await readdir(folder).catch(() => []);
  return Promise.all(names.map((name) => readlink(`${folder}/${name}`).catch(() => '')));
}
