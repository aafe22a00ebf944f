import { readdir, readFile, readlink } from 'node:fs/promises';
import { readProcessTable } from './process-table.ts';

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
/** Socket state, as proc_net_tcp(5) writes it. */
const LISTENING = '0A';

/** The process that listens on a TCP port of this machine; undefined where nobody does, or it can't be told. */
export async function listenerOn(port: number): Promise<number | undefined> {
  const listening = await listeningSockets(port);
  if (listening.size === 0) return undefined;
  for (const { pid } of (await readProcessTable()) ?? []) {
    if ((await openFiles(pid)).some((file) => listening.has(file))) return pid;
  }
  return undefined;
}

/** Whether a process of the group listens on the TCP port; undefined where the kernel does not let us know. */
export async function groupListens(group: number, port: number): Promise<boolean | undefined> {
  const listening = await listeningSockets(port);
  const members = (await readProcessTable())?.filter((entry) => entry.group === group) ?? [];
  const open = (await Promise.all(members.map(({ pid }) => openFiles(pid)))).flat();
  return listening.size === 0 || open.length === 0 ? undefined : open.some((file) => listening.has(file));
}

/** Sockets that listen on the port, as `openFiles` names them. */
async function listeningSockets(port: number): Promise<ReadonlySet<string>> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const tables = await Promise.all(TABLES.map((file) => readFile(file, 'utf8').catch(() => '')));
  const rows = tables.flatMap((table) => table.split('\n')).map((line) => line.trim().split(/\s+/));
  return new Set(
    rows.flatMap(([, local, , state, , , , , , inode]) =>
      local?.endsWith(suffix) && state === LISTENING ? [`socket:[${inode}]`] : [],
    ),
  );
}

/** None of what has ended meanwhile. */
async function openFiles(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/fd`;
  const names = await readdir(folder).catch(() => []);
  return Promise.all(names.map((name) => readlink(`${folder}/${name}`).catch(() => '')));
}
