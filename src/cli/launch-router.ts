import type { LaunchConfig } from '../config/launch.ts';
import type { Config } from '../config/options.ts';
import { inFlagsOfLaunch } from '../config/vocabulary.ts';
import { ExitError } from '../errors/errors.ts';
import type { OpenLog } from '../observe/log/open.ts';
import { type Router, startRouter } from '../router/router.ts';

/** The router of a launch: as any other, but its errors name the flags as `launch_server` has them. */
export async function startLaunchRouter(
  config: Config,
  opened: OpenLog,
  { servers: { regular, prefill, decode } }: LaunchConfig,
): Promise<Router> {
  try {
    return await startRouter(config, opened, regular + prefill + decode);
  } catch (error) {
    if (!(error instanceof ExitError)) throw error;
    const hint = error.hint && inFlagsOfLaunch(error.hint);
    // Who holds a port is told with the flags that it was started with.
    const message = error.code === 'usage' ? inFlagsOfLaunch(error.message) : error.message;
    throw new ExitError(error.code, message, { hint, cause: error });
  }
}
