import { resolveServer } from '../config/launch.ts';
import { ExitError, type ExitErrorCode } from '../errors/errors.ts';
import { surviveErrors } from '../observe/log/survive.ts';
import { parseSimOptions } from '../sim/parse-options.ts';
import { CoLaunch, type CoLaunchParts } from './co-launch.ts';
import { dryRun } from './dry-run.ts';
import { runUntilSignal } from './exit.ts';
import { nameProcess } from './process-name.ts';

/** Not SIGHUP, which a terminal sends when it is closed: that ends the command, servers included. */
const ROLLING_RESTART_SIGNAL = 'SIGUSR2';

/** Errors that are found before a server is started. */
const BEFORE_A_START: ReadonlySet<ExitErrorCode> = new Set(['usage', 'port_in_use', 'sglang_missing']);

/** `server`: starts SGLang servers and routes to them until a signal ends it. Resolves with the exit code. */
export async function runServer(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  parts: CoLaunchParts = {
    terminal: process.stdout,
    errors: process.stderr,
    program: process.argv[1] ?? '',
  },
): Promise<number> {
  const settings = await resolveServer(argv, env);
  const { config, launch, notices } = settings;
  if (launch.sim) parseSimOptions(launch.serverArgs);
  if (launch.dryRun) {
    const { terminal, program } = parts;
    return dryRun(settings, { env, program, write: (text) => terminal.write(text) });
  }
  const keys = [config.apiKey, launch.serverApiKey, ...config.controlPlaneApiKeys.map(({ key }) => key)];
  nameProcess(['server', ...argv], keys);
  const coLaunch = new CoLaunch(config, launch, env, parts);
  for (const notice of notices) coLaunch.log.warning(notice);
  surviveErrors(coLaunch.log);
  process.on(ROLLING_RESTART_SIGNAL, () => void coLaunch.restartAll());
  try {
    return await runUntilSignal({ drain: () => coLaunch.stop(), abort: () => coLaunch.kill() }, coLaunch.run());
  } catch (error) {
    // Whoever reads JSON reads the end of a launch too; what keeps one from beginning is told as any command tells it.
    if (!(error instanceof ExitError) || !coLaunch.logsJson || BEFORE_A_START.has(error.code)) throw error;
    const { code, hint, context } = error;
    coLaunch.log.critical(error.message, { code, hint, context });
    return error.exitCode;
  } finally {
    await coLaunch.close();
  }
}
