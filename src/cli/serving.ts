import type { LaunchConfig } from '../config/launch.ts';
import type { Config } from '../config/options.ts';
import type { Serving } from '../launch/screen/banner.ts';
import type { Server } from '../launch/server.ts';
import type { Router } from '../router/router.ts';

/** What a launch serves from now on. */
export function servingOf(
  { url, networkUrls, onLoopback }: Router,
  servers: readonly Server[],
  settings: { readonly config: Config; readonly launch: LaunchConfig; readonly logFolder: string },
): Serving {
  const { config, launch, logFolder } = settings;
  const { sim, modelPath = "as the servers' --config names it" } = launch;
  return {
    ...{ url, networkUrls, onLoopback, logFolder },
    dashboardUrl: `${url}/dashboard`,
    workers: servers.filter(({ ready }) => ready).map((server) => server.url),
    of: servers.length,
    elapsedMs: performance.now(),
    model: sim ? 'simulated: no GPU, and the text is made up' : modelPath,
    maxConcurrentRequests: config.maxConcurrentRequests,
    keyNeeded: config.apiKey !== undefined,
    pid: process.pid,
  };
}
