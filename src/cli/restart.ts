import { ExitError } from '../errors/errors.ts';
import { ask } from '../launch/control.ts';
import { socketBeside } from '../launch/launch-file.ts';
import { chooseLaunch, PID_FLAG } from './choose-launch.ts';
import { parseSmall, type SmallCommand } from './small-command.ts';

export const RESTART: SmallCommand = {
  usage: '[SERVER ...] [flags]',
  intro: `Restarts servers of a running launch, one after the other: each finishes its requests, ends, and is started again; \
when it is ready the next follows. Clients notice nothing. Without names all that are ready are restarted.

Example: sglang-launch restart w1`,
  flags: [['--force', 'also a server that alone can serve: requests wait until it is back'], PID_FLAG],
};

/** `restart`: asks a running launch for it and tells how it goes. Resolves with the exit code. */
export async function runRestart(argv: readonly string[]): Promise<number> {
  const { words: servers, flags } = parseSmall(RESTART, argv);
  const launch = chooseLaunch(flags.pid, { ended: false });
  const wish = { wish: 'restart', servers, force: flags.force === true } as const;
  const problem = await ask(socketBeside(launch.path), wish, (line) => process.stdout.write(`${line}\n`)).catch(
    (cause: Error) => `the launch ${launch.launcher.pid} does not answer: ${cause.message}`,
  );
  if (problem !== undefined) throw new ExitError('restart_failed', problem);
  return 0;
}
