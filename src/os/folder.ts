import { mkdirSync, mkdtempSync, rmdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { ExitError, fileProblem } from '../errors/errors.ts';

/** A folder that is there but takes nothing now may do so later: whoever writes to it says what became of it. */
const FULL: readonly unknown[] = ['ENOSPC', 'EDQUOT'];

/** What a code means where something is to be written; the others mean what they mean everywhere. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EEXIST: 'something that is no folder has that name',
  ENOENT: 'no folder can be made there',
};

/** Makes a folder and those above it, and tries whether files can be made there. Throws a usage error that names `flag`. */
export function requireFolder(path: string, flag: string): void {
  try {
    makeFolder(resolve(path));
    tryToWrite(path);
  } catch (cause) {
    throw new ExitError('usage', `${flag}: files cannot be written to ${path}: ${reasonOf(cause)}`, { cause });
  }
}

/** A fresh folder below the system's temporary one, that only this user can read. Throws a usage error with the hint. */
export function temporaryFolder(prefix: string, hint: string): string {
  const place = tmpdir();
  try {
    return mkdtempSync(join(place, prefix));
  } catch (cause) {
    throw new ExitError('usage', `no temporary folder can be made in ${place}: ${reasonOf(cause)}`, { hint, cause });
  }
}

/** Makes a folder and those above it: one after the other, because Node's own recursion never ends below /proc (Node 24). */
export function makeFolder(path: string): void {
  if (isFolder(path)) return;
  makeFolder(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    // Another process may have been sooner.
    if (!isFolder(path)) throw error;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** The mode of a folder says nothing to root, nor of a file system that takes no files. */
function tryToWrite(folder: string): void {
  try {
    rmdirSync(mkdtempSync(join(folder, '.sglang-can-write-')));
  } catch (error) {
    if (!FULL.includes((error as NodeJS.ErrnoException).code)) throw error;
  }
}

function reasonOf(error: unknown): string {
  return REASONS[(error as NodeJS.ErrnoException).code ?? ''] ?? fileProblem(error);
}
