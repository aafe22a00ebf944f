import { resolveServer } from '../config/launch.ts';
import { ExitError } from '../errors/errors.ts';
import { parseSimOptions } from '../sim/parse-options.ts';
import { CoLaunch, type Surroundings } from './co-launch.ts';
import { dryRun } from './dry-run.ts';
import { runUntilSignal } from './exit.ts';
import { nameProcess } from './process-name.ts';
import { surviveErrors } from './survive.ts';

/** Not SIGHUP, which a terminal sends when it is closed: that ends the command, servers included. */
const ROLLING_RESTART_SIGNAL = 'SIGUSR2';

/** `server`: starts SGLang servers and routes to them until a signal ends it. Resolves with the exit code. */
export async function runServer(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  surroundings: Surroundings = {
    terminal: process.stdout,
    errors: process.stderr,
    program: process.argv[1] ?? '',
  },
): Promise<number> {
  const settings = await resolveServer(argv, env);
  const { config, launch, notices } = settings;
  if (launch.sim) parseSimOptions(launch.serverArgs);
  if (launch.dryRun) {
    const { terminal, program } = surroundings;
    return dryRun(settings, { env, program, write: (text) => terminal.write(text) });
  }
  const keys = [config.apiKey, launch.serverApiKey, ...config.controlPlaneApiKeys.map(({ key }) => key)];
  nameProcess(['server', ...argv], keys);
  const coLaunch = new CoLaunch(config, launch, env, surroundings);
  for (const notice of notices) coLaunch.log.warning(notice);
  surviveErrors(coLaunch.log);
  process.on(ROLLING_RESTART_SIGNAL, () => void coLaunch.restartAll());
  try {
    return await runUntilSignal({ drain: () => coLaunch.stop(), abort: () => coLaunch.kill() }, coLaunch.run());
  } catch (error) {
    // Whoever reads JSON reads the end of the launch too.
    if (!(error instanceof ExitError) || !coLaunch.logsJson) throw error;
    const { code, hint, context } = error;
    coLaunch.log.critical(error.message, { code, hint, context });
    return error.exitCode;
  } finally {
    await coLaunch.close();
  }
}
