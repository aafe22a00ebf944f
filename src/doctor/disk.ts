import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { type Finding, ok, problem, type Subject, warning } from './check.ts';
import { hubFolder, isHubName } from './model-files.ts';

/** A folder that something is written to, and how much room that takes. */
interface Place {
  readonly path: string;
  readonly use: string;
  /** With less the start fails, or its logs are lost. */
  readonly leastBytes: number;
  readonly enoughBytes: number;
  readonly hint: string;
}

/** What a file system has left. */
interface Room {
  readonly freeBytes: number;
  readonly noFilesLeft: boolean;
}

/** Asks the file system of a folder; undefined where there is none. A test may stand in for it. */
type RoomIn = (path: string) => Promise<Room | undefined>;

const MB = 1e6;
const GB = 1e9;
/** Docker gives a container 64 MB of it. */
const SHARED_MEMORY = '/dev/shm';

/** Room for logs, for models that are downloaded, and for the memory that the processes of a server share. */
export async function checkDisk(subject: Subject, roomIn: RoomIn = roomOnDisk): Promise<readonly Finding[]> {
  return (await Promise.all(placesOf(subject).map((place) => findingOf(place, roomIn)))).flat();
}

function placesOf({ config, launch, env }: Subject): readonly Place[] {
  const logs = {
    path: config.logDir ?? tmpdir(),
    use: 'the logs',
    ...{ leastBytes: 100 * MB, enoughBytes: 1 * GB },
    hint: 'free some, or choose another folder with --router-log-dir or TMPDIR',
  };
  if (launch.sim) return [logs];
  const shared = {
    path: SHARED_MEMORY,
    use: 'memory that the processes of a server share',
    ...{ leastBytes: launch.gpu.perServer > 1 ? 100 * MB : 0, enoughBytes: 1 * GB },
    hint: 'in a container: docker run --ipc=host, or --shm-size 16g',
  };
  const models = {
    path: hubFolder(env),
    use: 'models that are downloaded',
    ...{ leastBytes: 1 * GB, enoughBytes: 20 * GB },
    hint: 'free some, or choose another folder with HF_HOME',
  };
  const { modelPath } = launch;
  return [logs, ...(modelPath === undefined || isHubName(modelPath) ? [models] : []), shared];
}

async function findingOf(
  { path, use, leastBytes, enoughBytes, hint }: Place,
  roomIn: RoomIn,
): Promise<readonly Finding[]> {
  const found = await roomIn(path);
  if (found === undefined) return [];
  const { freeBytes, noFilesLeft } = found;
  const text = `${path}: ${sizeText(freeBytes)} free for ${use}`;
  const about = { path, freeBytes };
  if (noFilesLeft) return [problem(`${path} takes no more files, though it has room (inodes)`, hint, about)];
  if (freeBytes < leastBytes) return [problem(`${text}, at least ${sizeText(leastBytes)} are needed`, hint, about)];
  if (freeBytes < enoughBytes) return [warning(`${text}, which may not be enough`, hint, about)];
  return [ok(text, about)];
}

/** In the folder, or where it would be made. */
async function roomOnDisk(path: string): Promise<Room | undefined> {
  try {
    const { bavail, bsize, files, ffree } = await statfs(path);
    // Some file systems do not count files.
    return { freeBytes: bavail * bsize, noFilesLeft: files > 0 && ffree === 0 };
  } catch {
    const above = dirname(path);
    return above === path || path === SHARED_MEMORY ? undefined : roomOnDisk(above);
  }
}

function sizeText(bytes: number): string {
  return bytes < GB ? `${Math.round(bytes / MB)} MB` : `${(bytes / GB).toFixed(bytes < 10 * GB ? 1 : 0)} GB`;
}
