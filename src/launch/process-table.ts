import { readdirSync, readFileSync } from 'node:fs';

/** One live process. `started` (clock ticks since boot) tells it from a later one with the same pid. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly started: number;
}

/** All live processes; zombies are left out: they hold nothing. Undefined where there is no /proc (macOS). */
export function readProcessTable(folder = '/proc'): ProcessEntry[] | undefined {
  const names = listFolder(folder).filter((name) => /^\d+$/.test(name));
  if (names.length === 0) return undefined;
  return names.flatMap((name) => readEntry(folder, name) ?? []);
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

/** Fields after the command name, which may itself hold spaces and parentheses; see proc_pid_stat(5). */
function readEntry(folder: string, name: string): ProcessEntry | undefined {
  const stat = readText(`${folder}/${name}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, parent, group] = fields;
  if (stat === '' || state === 'Z' || state === 'X') return undefined;
  return { pid: Number(name), parent: Number(parent), group: Number(group), started: Number(fields[19]) };
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
