import { readFile, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { isRunning, type ProcessIdentity, pidSpaceOf } from '../os/process-identity.ts';
import { type ProcessEntry, readProcessTable } from '../os/process-table.ts';
import { findLaunches, type LaunchedServer } from './launch-file.ts';
import { ownerIn } from './owner-mark.ts';

/** A launch that is killed takes what it started with it, which is not done at once. */
const SETTLE_MS = 1_000;
/** After SIGKILL; what is there even then hangs in the kernel, as a stuck GPU driver makes it. */
const VERIFY_MS = 5_000;
const POLL_MS = 50;

/**
 * Processes of this user that a launch has started and that outlived it. Undefined where the system does not tell (no /proc).
 * One is known by the variable that all our processes inherit. SGLang's own write their title over it: those are known by the session of
 * the server that they belong to.
 */
export async function findLeftovers(settleMs = SETTLE_MS): Promise<readonly ProcessIdentity[] | undefined> {
  const found = await lookForLeftovers();
  if (found === undefined || found.length === 0) return found;
  await delay(settleMs);
  return found.filter(isRunning);
}

async function lookForLeftovers(): Promise<readonly ProcessIdentity[] | undefined> {
  const table = await readProcessTable();
  const space = pidSpaceOf('self');
  if (table === undefined || space === undefined) return undefined;
  const lost = findLaunches()
    .filter(({ running }) => !running)
    .flatMap(({ servers }) => servers);
  const sessions = new Map(
    lost.flatMap((server) => (isGone(server, table, space) ? [[server.process!.pid, server]] : [])),
  );
  const found: ProcessIdentity[] = [];
  for (const entry of table) {
    if (await isLeftover(entry, space, sessions)) found.push({ space, pid: entry.pid, started: entry.started });
  }
  return found;
}

/** Kills them; resolves with those that are there even then. Who has ended meanwhile is not taken for another. */
export async function killLeftovers(leftovers: readonly ProcessIdentity[]): Promise<readonly ProcessIdentity[]> {
  for (const leftover of leftovers.filter(isRunning)) {
    try {
      process.kill(leftover.pid, 'SIGKILL');
    } catch {
      // It has just ended.
    }
  }
  let left = leftovers.filter(isRunning);
  for (let waitedMs = 0; left.length > 0 && waitedMs < VERIFY_MS; waitedMs += POLL_MS) {
    await delay(POLL_MS);
    left = left.filter(isRunning);
  }
  return left;
}

async function isLeftover(
  { pid, session, started }: ProcessEntry,
  space: string,
  sessions: ReadonlyMap<number, LaunchedServer>,
): Promise<boolean> {
  if (pid === process.pid || pidSpaceOf(pid) !== space || !(await isOurs(pid))) return false;
  const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => undefined);
  if (environment === undefined) return false;
  const words = environment.split('\0').filter(Boolean);
  const owner = ownerIn(words);
  if (owner) return owner.space === space && !isRunning(owner);
  const server = sessions.get(session)?.process;
  return words.length === 0 && server !== undefined && started >= server.started;
}

/** A session's number is taken as long as one of it lives: with another leader now it is another session. */
function isGone({ process: leader }: LaunchedServer, table: readonly ProcessEntry[], space: string): boolean {
  if (leader === undefined || leader.space !== space) return false;
  const now = table.find(({ pid }) => pid === leader.pid);
  return now === undefined || now.started === leader.started;
}

async function isOurs(pid: number): Promise<boolean> {
  const found = await stat(`/proc/${pid}`).catch(() => undefined);
  return found !== undefined && found.uid === process.getuid?.();
}
