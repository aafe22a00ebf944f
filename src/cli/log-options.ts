import type { Config } from '../config/options.ts';
import type { Console, LogOptions } from '../observe/log/open.ts';
import { paintFor } from '../terminal/kind.ts';

/** The log that a command's options ask for. `keys` beside the router's own must not appear in it either. */
export function logOptions(
  { logLevel, logFormat, logDir, apiKey, controlPlaneApiKeys }: Config,
  {
    env,
    console,
    dirFlag,
    keys = [],
    nameOf,
  }: {
    readonly env: NodeJS.ProcessEnv;
    readonly console: Console;
    /** How this command spells --log-dir. */
    readonly dirFlag: string;
    readonly keys?: readonly (string | undefined)[];
    readonly nameOf?: LogOptions['nameOf'];
  },
): LogOptions {
  return {
    level: logLevel,
    format: logFormat,
    dir: logDir === undefined ? undefined : { path: logDir, flag: dirFlag },
    secrets: [apiKey, ...controlPlaneApiKeys.map(({ key }) => key), ...keys],
    console,
    paint: paintFor(console.isTTY ?? false, env),
    ...(nameOf && { nameOf }),
  };
}
