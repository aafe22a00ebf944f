import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';

/** One live process. `started` (clock ticks since boot) tells it from a later one with the same pid. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  readonly started: number;
}

/** Files read at the same time, so that thousands of processes do not open thousands of files. */
const AT_ONCE = 32;

/** All live processes; zombies are left out: they hold nothing. Undefined where there is no /proc (macOS). */
export async function readProcessTable(folder = '/proc'): Promise<ProcessEntry[] | undefined> {
  const pids = (await readdir(folder).catch(() => [])).filter(isPid);
  if (pids.length === 0) return undefined;
  const table: ProcessEntry[] = [];
  for (let at = 0; at < pids.length; at += AT_ONCE) {
    const stats = pids.slice(at, at + AT_ONCE).map(async (pid) => {
      return parse(pid, await readFile(`${folder}/${pid}/stat`, 'utf8').catch(() => ''));
    });
    for (const entry of await Promise.all(stats)) if (entry) table.push(entry);
  }
  return table;
}

/** The same for whoever cannot wait; with thousands of processes it takes tens of milliseconds. */
export function readProcessTableAtOnce(folder = '/proc'): ProcessEntry[] | undefined {
  const pids = listFolder(folder).filter(isPid);
  if (pids.length === 0) return undefined;
  return pids.flatMap((pid) => entryOf(pid, folder) ?? []);
}

/** One process; undefined for one that has ended. */
export function entryOf(pid: string, folder = '/proc'): ProcessEntry | undefined {
  return parse(pid, readText(`${folder}/${pid}/stat`));
}

/** A process's children, their children and so on, in any group or session. */
export function descendantsOf(pid: number, table: readonly ProcessEntry[]): ProcessEntry[] {
  const found: ProcessEntry[] = [];
  const parents = new Set([pid]);
  for (let grew = true; grew; ) {
    const next = table.filter((entry) => parents.has(entry.parent) && !parents.has(entry.pid));
    for (const entry of next) parents.add(entry.pid);
    found.push(...next);
    grew = next.length > 0;
  }
  return found;
}

function isPid(name: string): boolean {
  return /^\d+$/.test(name);
}

/** Fields after the command name, which may itself hold spaces and parentheses; see proc_pid_stat(5). Undefined for one that has ended. */
function parse(pid: string, stat: string): ProcessEntry | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, parent, group, session] = fields;
  if (stat === '' || state === 'Z' || state === 'X') return undefined;
  return {
    pid: Number(pid),
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    started: Number(fields[19]),
  };
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Empty for a process that ended meanwhile. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
