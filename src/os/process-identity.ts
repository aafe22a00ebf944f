import { readlinkSync } from 'node:fs';
import { entryOf } from './process-table.ts';

/** A process of this machine that none of another time or another container is taken for. */
export interface ProcessIdentity {
  /** Pids mean something within their namespace alone; empty where the system has none. */
  readonly space: string;
  readonly pid: number;
  /** Clock ticks since boot; 0 where the system does not tell. */
  readonly started: number;
}

/** Who that process of our own namespace is; undefined when it is gone. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const space = pidSpaceOf('self');
  // Without /proc nobody tells since when.
  if (space === undefined) return { space: '', pid, started: 0 };
  const entry = entryOf(String(pid));
  return entry && { space, pid, started: entry.started };
}

/** Whether it still runs. One of another namespace does not, as far as can be known from here. */
export function isRunning({ pid, started, space }: ProcessIdentity): boolean {
  const now = identityOf(pid);
  if (now === undefined || now.space !== space || now.started !== started) return false;
  return space !== '' || answersSignals(pid);
}

function answersSignals(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The namespace in which a process has its pid; undefined where it cannot be known. */
export function pidSpaceOf(pid: number | 'self'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}
