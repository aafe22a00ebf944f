import { readdir, readFile } from 'node:fs/promises';
import type { Families } from './families.ts';

const START_SECS = performance.timeOrigin / 1000;

/** What the operating system and Node know of this process. Returns what is to be awaited before each reading: files are read then. */
export function watchProcess(families: Families): () => Promise<void> {
  let openFds: number | undefined;
  let maxFds: number | undefined;
  const one = (value: number | undefined) => (value === undefined ? [] : [[[], value] as const]);
  families.cpu.from(() => {
    const { user, system } = process.cpuUsage();
    return one((user + system) / 1e6);
  });
  families.residentMemory.from(() => one(process.memoryUsage.rss()));
  families.heapUsed.from(() => one(process.memoryUsage().heapUsed));
  families.externalMemory.from(() => one(process.memoryUsage().external));
  families.openFds.from(() => one(openFds));
  families.maxFds.from(() => one(maxFds));
  families.startTime.from(() => one(START_SECS));
  return async () => {
    [openFds, maxFds] = await Promise.all([countOpenFds(), readMaxFds()]);
  };
}

/** Without the one that the look itself takes. */
async function countOpenFds(): Promise<number | undefined> {
  try {
    return (await readdir('/proc/self/fd')).length - 1;
  } catch {
    return undefined;
  }
}

async function readMaxFds(): Promise<number | undefined> {
  try {
    const [, most] = /^Max open files +(\d+)/m.exec(await readFile('/proc/self/limits', 'latin1')) ?? [];
    return most === undefined ? undefined : Number(most);
  } catch {
    return undefined;
  }
}
