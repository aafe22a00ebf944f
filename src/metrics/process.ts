import { readdirSync, readFileSync } from 'node:fs';
import type { Families } from './families.ts';

const START_SECS = performance.timeOrigin / 1000;

/** What the operating system and Node know of this process. */
export function watchProcess(families: Families): void {
  const one = (value: number | undefined) => (value === undefined ? [] : [[[], value] as const]);
  families.cpu.from(() => {
    const { user, system } = process.cpuUsage();
    return one((user + system) / 1e6);
  });
  families.residentMemory.from(() => one(process.memoryUsage.rss()));
  families.heapUsed.from(() => one(process.memoryUsage().heapUsed));
  families.externalMemory.from(() => one(process.memoryUsage().external));
  families.openFds.from(() => one(openFds()));
  families.maxFds.from(() => one(maxFds()));
  families.startTime.from(() => one(START_SECS));
}

/** Without the one that the look itself takes. */
function openFds(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length - 1;
  } catch {
    return undefined;
  }
}

function maxFds(): number | undefined {
  try {
    const [, most] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
    return most === undefined ? undefined : Number(most);
  } catch {
    return undefined;
  }
}
