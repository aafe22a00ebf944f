import type { Log } from '../observe/log/log.ts';

/**
 * An error that nobody caught is a defect of this program, in something that was done for one request, one check or one
 * connection. It is logged, and everything else is served on.
 */
export function surviveErrors(log: Log): void {
  process.on('uncaughtException', (error, origin) => {
    const reason = error instanceof Error ? error.stack : String(error);
    log.critical(`an error that should not have come this far (${origin}); serving on: ${reason}`);
  });
}
