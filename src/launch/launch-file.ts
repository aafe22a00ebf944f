import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identityOf, isRunning, type ProcessIdentity, pidSpaceOf } from '../os/process-identity.ts';

/** One server of a launch, as the launch's file has it. */
export interface LaunchedServer {
  readonly name: string;
  readonly url: string;
  readonly logPath: string;
  /** Leader of its session; undefined while it is down. */
  readonly process: ProcessIdentity | undefined;
}

/** What a launch tells other commands of the same user. */
export interface Launch {
  readonly launcher: ProcessIdentity;
  /** Where clients are served. */
  readonly url: string;
  readonly startedAt: string;
  readonly logFolder: string;
  readonly servers: readonly LaunchedServer[];
}

/** A launch that was found, the newest first. */
export interface FoundLaunch extends Launch {
  readonly running: boolean;
  /** Its file. */
  readonly path: string;
}

/** Launches that ended stay to be read as long as their logs do, and no more of them than this. */
const KEPT = 20;
/** Of those of another container that shares the temporary folder nobody here knows whether they run. */
const FOREIGN_MS = 7 * 24 * 3_600_000;
const SUFFIX = '.json';

/** The file of one launch. It stays when the launch ends: that is when its logs are looked for. */
export class LaunchFile {
  readonly socketPath: string;
  readonly #path: string;
  readonly #launch: Omit<Launch, 'servers'>;

  private constructor(folder: string, launch: Omit<Launch, 'servers'>) {
    const { pid, started } = launch.launcher;
    this.#path = join(folder, `${pid}-${started}${SUFFIX}`);
    this.socketPath = socketBeside(this.#path);
    this.#launch = launch;
  }

  /** Throws where no file can be written. */
  static open({ url, logFolder }: Pick<Launch, 'url' | 'logFolder'>): LaunchFile {
    const launcher = identityOf(process.pid);
    if (!launcher) throw new Error('this process cannot be found in /proc');
    return new LaunchFile(ownFolder(), { launcher, url, logFolder, startedAt: new Date().toISOString() });
  }

  /** Readers find the old or the new text, never half of one. */
  write(servers: readonly LaunchedServer[]): void {
    const draft = `${this.#path}.new`;
    writeFileSync(draft, `${JSON.stringify({ ...this.#launch, servers })}\n`, { mode: 0o600 });
    renameSync(draft, this.#path);
  }
}

/** The launches of this user whose logs are still there. */
export function findLaunches(): readonly FoundLaunch[] {
  const folder = folderPath();
  if (!isOurs(folder)) return [];
  const found = readdirSync(folder)
    .filter((name) => name.endsWith(SUFFIX))
    .flatMap((name) => {
      const path = join(folder, name);
      const launch = readLaunch(path);
      return launch ? { ...launch, path, running: isRunning(launch.launcher) } : [];
    });
  return found.sort((a, b) => b.startedAt.localeCompare(a.startedAt));
}

/** Removes the files of launches that ended and whose logs are gone, and those beyond the newest 20. */
export function forgetOldLaunches(): void {
  const ended = findLaunches().filter(({ running }) => !running);
  const old = ended.filter(({ logFolder, launcher, startedAt }, index) => {
    if (!statSync(logFolder, { throwIfNoEntry: false })) return true;
    const known = launcher.space === (pidSpaceOf('self') ?? '') || Date.now() - Date.parse(startedAt) > FOREIGN_MS;
    return known && index >= KEPT;
  });
  for (const { path } of old) for (const file of [path, socketBeside(path)]) rmSync(file, { force: true });
}

/** Where the launch of that file listens for commands. */
export function socketBeside(path: string): string {
  return `${path.slice(0, -SUFFIX.length)}.sock`;
}

/** Not below XDG_RUNTIME_DIR: a launch by a service manager and a command in a terminal have different ones. */
function folderPath(): string {
  return join(tmpdir(), `sglang-launches-${process.getuid?.() ?? 0}`);
}

/** Made where it is not there; throws where it belongs to somebody else. */
function ownFolder(): string {
  const folder = folderPath();
  try {
    // Not the temporary folder too, where that is missing.
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  // Fails where it is another's.
  if (lstatSync(folder).isDirectory()) chmodSync(folder, 0o700);
  if (!isOurs(folder)) throw new Error(`${folder} is not a folder of this user alone`);
  return folder;
}

/** Everybody may make folders in the temporary one: what stands in another's, or behind a link, is not believed. */
function isOurs(folder: string): boolean {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  if (process.getuid === undefined) return found?.isDirectory() === true;
  return found?.isDirectory() === true && found.uid === process.getuid() && (found.mode & 0o022) === 0;
}

/** Undefined for what no launch wrote. */
function readLaunch(path: string): Launch | undefined {
  try {
    const launch = JSON.parse(readFileSync(path, 'utf8')) as Launch;
    const texts = [launch.url, launch.startedAt, launch.logFolder, launch.launcher.space];
    const whole = texts.every((text) => typeof text === 'string') && Number.isInteger(launch.launcher.pid);
    return whole && Array.isArray(launch.servers) ? launch : undefined;
  } catch {
    return undefined;
  }
}
