import { readFileSync } from 'node:fs';

/** What to do about too few of them, for people. */
export const RAISE_OPEN_FILES =
  'raise the hard limit: ulimit -Hn 65536, LimitNOFILE=65536 in systemd, --ulimit nofile=65536 in docker';

/** How many files this process may open; Node has raised it to what the system permits. No limit where the system does not say (macOS). */
export function openFilesLimit(): number {
  try {
    const line = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    return line ? Number(line[1]) : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
