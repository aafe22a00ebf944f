import type { Log } from './log.ts';

/** Nobody reads what is written any more: a pipe's other end is closed, or a terminal is gone. */
const UNREAD: readonly unknown[] = ['EPIPE', 'EIO'];

/**
 * An error that nobody caught is a defect of this program, in something that was done for one request, one check or one
 * connection. It is logged, and everything else is served on. That nobody reads the log is not: each line about it would be the next such error.
 */
export function surviveErrors(log: Log): void {
  process.on('uncaughtException', (error: NodeJS.ErrnoException, origin) => {
    if (error?.syscall === 'write' && UNREAD.includes(error.code)) return;
    const reason = error instanceof Error ? error.stack : String(error);
    log.critical(`an error that should not have come this far (${origin}); serving on: ${reason}`);
  });
}
