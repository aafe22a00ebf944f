import type { LaunchConfig } from '../config/launch.ts';
import type { Config } from '../config/options.ts';
import type { ExitError } from '../errors/errors.ts';
import { type Failure, toExitError } from '../launch/failure.ts';
import { createScreen } from '../launch/screen/create.ts';
import type { LaunchTerminal, Screen } from '../launch/screen/screen.ts';
import type { Log } from '../observe/log/log.ts';
import { type Console, type OpenLog, openLog } from '../observe/log/open.ts';
import { paintFor } from '../terminal/kind.ts';
import { logOptions } from './log-options.ts';

const LOG_DIR_FLAG = '--router-log-dir';

/** Where a launch is shown. */
export interface Outputs {
  /** Standard output: the screen. */
  readonly terminal: LaunchTerminal;
  /** Standard error: the log. */
  readonly errors: Console;
}

/** What a launch shows and logs, and how the two go together. */
export class LaunchConsole {
  /** For the router. */
  readonly opened: OpenLog;
  readonly screen: Screen;
  readonly #outputs: Outputs;

  /** `nameOf` gives the name of the server behind a URL. */
  constructor(
    config: Config,
    launch: LaunchConfig,
    env: NodeJS.ProcessEnv,
    { outputs, nameOf }: { readonly outputs: Outputs; readonly nameOf: (url: string) => string | undefined },
  ) {
    this.#outputs = outputs;
    const { terminal } = outputs;
    const isTerminal = terminal.isTTY ?? false;
    const options = logOptions(config, {
      env,
      console: this.#console(),
      dirFlag: LOG_DIR_FLAG,
      keys: [launch.serverApiKey],
      nameOf,
    });
    this.opened = openLog(options);
    const byDefault = isTerminal ? 'important' : 'all';
    const deps = {
      terminal,
      paint: paintFor(isTerminal, env),
      output: launch.serverLogs === 'auto' ? byDefault : launch.serverLogs,
      secrets: options.secrets,
      log: this.opened.log,
    } as const;
    this.screen = createScreen(deps, env);
  }

  get log(): Log {
    return this.opened.log;
  }

  /** Standard output is read by people. */
  get isTerminal(): boolean {
    return this.#outputs.terminal.isTTY ?? false;
  }

  /** A failure as the end of the command. */
  exitError(failure: Failure): ExitError {
    const { terminal, errors } = this.#outputs;
    return toExitError(failure, errors.isTTY ? terminal.columns : undefined);
  }

  /** A log line in the middle of a board would be torn: on its terminal it goes above. */
  #console(): Console {
    const { terminal, errors } = this.#outputs;
    const onBoard = terminal.isTTY && errors.isTTY;
    return {
      isTTY: errors.isTTY,
      get columns() {
        return terminal.columns ?? errors.columns;
      },
      get writableLength() {
        return errors.writableLength;
      },
      write: (line) => (onBoard ? this.screen.print(line) : errors.write(line)),
    };
  }
}
