import { ExitError } from '../errors/errors.ts';
import { type FoundLaunch, findLaunches } from '../launch/launch-file.ts';

/** The flag of the commands that speak of a launch. */
export const PID_FLAG = ['--pid <pid>', 'the launch with this process id, where more than one runs'] as const;

/** The launch of that pid, else the one that runs. Throws a usage error where that is not one. */
export function chooseLaunch(pid: string | boolean | undefined, { ended }: { ended: boolean }): FoundLaunch {
  const all = findLaunches();
  if (pid !== undefined) return ofPid(all, pid);
  const running = all.filter((launch) => launch.running);
  const [launch] = running.length === 0 && ended ? all : running;
  if (launch === undefined) {
    const hint =
      'launches are found by the user who started them, with the same TMPDIR: sglang-launch server starts one';
    throw new ExitError('usage', ended ? 'no launch runs, and none has left logs' : 'no launch runs', { hint });
  }
  if (running.length > 1) {
    const list = running.map(({ launcher, url }) => `${launcher.pid} (${url})`).join(', ');
    throw new ExitError('usage', `${running.length} launches run: ${list}`, { hint: 'choose one with --pid PID' });
  }
  return launch;
}

function ofPid(all: readonly FoundLaunch[], pid: string | boolean): FoundLaunch {
  const launch = all.find(({ launcher }) => String(launcher.pid) === pid);
  if (launch) return launch;
  const pids = all.map(({ launcher }) => launcher.pid);
  throw new ExitError('usage', `--pid: no launch of this user has the process id ${pid}`, {
    hint: pids.length === 0 ? 'none is there at all' : `there are ${pids.join(', ')}`,
  });
}
