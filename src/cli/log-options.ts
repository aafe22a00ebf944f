import type { Config } from '../config/options.ts';
import type { Console, LogOptions } from '../log/open.ts';

/** The log that a command's options ask for. `keys` beside the router's own must not appear in it either. */
export function logOptions(
  { logLevel, logFormat, logDir, apiKey }: Config,
  {
    env,
    console,
    keys = [],
  }: { readonly env: NodeJS.ProcessEnv; readonly console: Console; readonly keys?: readonly (string | undefined)[] },
): LogOptions {
  return {
    level: logLevel,
    format: logFormat,
    dir: logDir,
    secrets: [apiKey, ...keys],
    console,
    colours: !env.NO_COLOR,
  };
}
