import { readdirSync, readFileSync } from 'node:fs';

const CLOCK_TICKS_PER_SEC = 100;
const ESTABLISHED = '01';

/** Resident memory of a process in KB. */
export function rssKb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

/** Open descriptors of a process. */
export function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Seconds of CPU that a process has used. */
export function cpuSecs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SEC;
}

/** A TCP connection of this machine, seen from one of its ends, with what the kernel holds of it there. */
export interface TcpEnd {
  readonly localPort: number;
  readonly remotePort: number;
  /** Sent and not yet acknowledged. */
  readonly sendBytes: number;
  /** Come and not yet read. */
  readonly unreadBytes: number;
}

/** Both ends of every open connection over IPv4. */
export function tcpEnds(): TcpEnd[] {
  const rows = readFileSync('/proc/net/tcp', 'utf8').trimEnd().split('\n').slice(1);
  return rows.flatMap((row) => {
    const [, local = '', remote = '', state, queues = ''] = row.trim().split(/\s+/);
    if (state !== ESTABLISHED) return [];
    const [send = '', unread = ''] = queues.split(':');
    return {
      localPort: portOf(local),
      remotePort: portOf(remote),
      sendBytes: Number.parseInt(send, 16),
      unreadBytes: Number.parseInt(unread, 16),
    };
  });
}

function portOf(address: string): number {
  return Number.parseInt(address.slice(address.indexOf(':') + 1), 16);
}

/** The middle one. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
