import { setTimeout as delay } from 'node:timers/promises';
import treeKill from 'tree-kill';
import { onPath } from './on-path.ts';
import { descendantsOf, type ProcessEntry, readProcessTable, readProcessTableAtOnce } from './process-table.ts';

const POLL_MS = 50;
/** After SIGKILL; what is still there then hangs in the kernel, as a stuck GPU driver makes it. */
const VERIFY_MS = 5_000;

/** A process we started as leader of its own group, with everything it started in turn. */
interface Tree {
  readonly pid: number;
  /** Settles when the leader itself has ended. */
  readonly exited: Promise<unknown>;
}

/**
 * Ends a tree in order: SIGTERM to the leader, which shuts its children down itself, and SIGKILL for whatever is left of
 * the tree when it ended or after `graceMs`. Resolves with the pids that are there even then: none, as a rule.
 * SIGTERM goes to the leader alone because SGLang takes a child's death for a crash and spends 5 s on diagnostics.
 */
export async function stopTree({ pid, exited }: Tree, graceMs: number): Promise<number[]> {
  const members = membersOf(pid, await readProcessTable());
  signal(pid, 'SIGTERM');
  const ended = await endsWithin(exited, graceMs);
  if (!ended) await killFromTop(pid);
  killMembers(pid, members, await readProcessTable());
  return whoIsLeft(pid, members);
}

/** SIGKILL for the whole tree at once; resolves as `stopTree` does. What it can do synchronously is done on return. */
export function killTree({ pid }: Pick<Tree, 'pid'>): Promise<number[]> {
  const table = readProcessTableAtOnce();
  const members = membersOf(pid, table);
  killMembers(pid, members, table);
  return whoIsLeft(pid, members);
}

type Table = readonly ProcessEntry[] | undefined;

/** The group, and what left it by `setsid`; known by start time, so that a reused pid is never hit. */
function killMembers(pid: number, members: readonly ProcessEntry[], table: Table): void {
  if (groupLives(pid, table)) signal(-pid, 'SIGKILL');
  for (const member of living(members, table)) signal(member.pid, 'SIGKILL');
}

/** The pids that are there even some seconds after they were killed. */
async function whoIsLeft(pid: number, members: readonly ProcessEntry[]): Promise<number[]> {
  let table = await readProcessTable();
  for (let waitedMs = 0; waitedMs < VERIFY_MS; waitedMs += POLL_MS) {
    if (!groupLives(pid, table) && living(members, table).length === 0) return [];
    await delay(POLL_MS);
    table = await readProcessTable();
  }
  const group = table?.filter((entry) => entry.group === pid) ?? [];
  return [...new Set([...group, ...living(members, table)].map((entry) => entry.pid))];
}

/** Where there is no /proc the tree is found with `ps`; tree-kill dies of a missing `ps`, hence the look before. */
async function killFromTop(pid: number): Promise<void> {
  if (onPath('ps').length === 0) return;
  await new Promise<void>((resolve) => treeKill(pid, 'SIGKILL', () => resolve()));
}

function membersOf(pid: number, table: Table = []): ProcessEntry[] {
  return [...table.filter((entry) => entry.pid === pid), ...descendantsOf(pid, table)];
}

function living(members: readonly ProcessEntry[], table: Table): ProcessEntry[] {
  const now = new Map(table?.map((entry) => [entry.pid, entry.started]));
  return members.filter((member) => now.get(member.pid) === member.started);
}

/** Zombies do not count: as pid 1 of a container nobody may ever reap them. */
function groupLives(pid: number, table: Table): boolean {
  return table === undefined ? signal(-pid, 0) : table.some((entry) => entry.group === pid);
}

/** False when there is no such process or group. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

async function endsWithin(exited: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const abort = new AbortController();
  const timer = delay(timeoutMs, false, { signal: abort.signal }).catch(() => false);
  const ended = await Promise.race([exited.then(() => true), timer]);
  abort.abort();
  return ended;
}
