import { mkdtempSync, writeFileSync } from 'node:fs';
import { lstat, readdir, readFile, rmdir, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { temporaryFolder } from '../os/folder.ts';

const PREFIX = 'sglang-launch-';
/** Says which process writes to the folder. */
const OWNER_FILE = 'launcher.pid';
const HOUR_MS = 3_600_000;
const WEEK_MS = 7 * 24 * HOUR_MS;
/** Folders of ended launches that stay for a week; a launch that a service manager starts again and again leaves more. */
const KEPT = 20;

/** A fresh folder for the logs of one launch: in `parent` where given, else in the system's temporary folder. */
export function createLogFolder(parent: string | undefined, now: Date = new Date()): string {
  if (parent === undefined) return createTemporary();
  const stamp = now.toISOString().slice(0, 19).replaceAll(':', '').replace('T', '-');
  return mkdtempSync(join(parent, `run-${stamp}-`));
}

function createTemporary(): string {
  const folder = temporaryFolder(
    PREFIX,
    "the servers' logs go there: give --router-log-dir DIR, or a TMPDIR that can be written",
  );
  try {
    writeFileSync(join(folder, OWNER_FILE), `${process.pid}\n`, { mode: 0o600 });
  } catch {
    // A full disk: the launch goes on without logs.
  }
  return folder;
}

/**
 * Removes what launches that are no more have left in the system's temporary folder: all that nothing was written to for a
 * week, and those beyond the newest 20 after an hour. Resolves with how many. Never throws.
 */
export async function removeOldLogFolders(place: string = tmpdir(), nowMs: number = Date.now()): Promise<number> {
  if (!(await isSafe(place))) return 0;
  const names = await readdir(place).catch(() => []);
  const paths = names.filter((name) => /^sglang-launch-\w{6}$/.test(name)).map((name) => join(place, name));
  const ended: { path: string; writtenMs: number }[] = [];
  for (const path of paths) {
    const writtenMs = await lastWritten(path);
    if (writtenMs !== undefined && !(await isInUse(path))) ended.push({ path, writtenMs });
  }
  ended.sort((a, b) => b.writtenMs - a.writtenMs);
  const old = ended.filter(({ writtenMs }, index) => nowMs - writtenMs > (index < KEPT ? WEEK_MS : HOUR_MS));
  let removed = 0;
  for (const { path } of old) if (await remove(path)) removed++;
  return removed;
}

/** Whether nobody else could put another folder in the place of one of ours while we look. */
async function isSafe(place: string): Promise<boolean> {
  const found = await lstat(place).catch(() => undefined);
  const othersWrite = ((found?.mode ?? 0) & 0o022) !== 0;
  const sticky = ((found?.mode ?? 0) & 0o1000) !== 0;
  return found !== undefined && (!othersWrite || sticky);
}

/** When something was last written to a folder of this user; undefined for all else, links included. */
async function lastWritten(path: string): Promise<number | undefined> {
  try {
    const folder = await lstat(path);
    if (!folder.isDirectory() || folder.uid !== process.getuid?.()) return undefined;
    const times = (await readdir(path)).map(async (name) => (await lstat(join(path, name))).mtimeMs);
    return Math.max(folder.mtimeMs, ...(await Promise.all(times)));
  } catch {
    return undefined;
  }
}

async function isInUse(path: string): Promise<boolean> {
  const pid = Number(await readFile(join(path, OWNER_FILE), 'utf8').catch(() => ''));
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Only files that a launch writes: a folder in which someone keeps others stays. */
async function remove(path: string): Promise<boolean> {
  try {
    const names = await readdir(path);
    if (!names.every((name) => name === OWNER_FILE || /^[a-z]+\d+\.log(?:\.1)?$/.test(name))) return false;
    for (const name of names) await unlink(join(path, name));
    await rmdir(path);
    return true;
  } catch {
    return false;
  }
}
