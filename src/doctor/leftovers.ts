import { findLaunches } from '../launch/launch-file.ts';
import { findLeftovers, killLeftovers } from '../launch/leftovers.ts';
import { commandLine, describeHolder } from '../os/port-holder.ts';
import type { ProcessIdentity } from '../os/process-identity.ts';
import { type Finding, ok, problem, warning } from './check.ts';

/** Processes of launches that are no more: they hold GPUs and ports. */
export async function checkLeftovers(): Promise<readonly Finding[]> {
  const leftovers = await findLeftovers();
  const running = findLaunches().filter((launch) => launch.running);
  const launches = running.map(({ launcher, url }) => `pid ${launcher.pid} serves ${url}`).join(', ');
  const text =
    running.length === 0
      ? 'no launch of this user runs'
      : `${running.length} ${running.length === 1 ? 'launch runs' : 'launches run'}: ${launches}`;
  const about = { launches: running.map(({ launcher, url }) => ({ pid: launcher.pid, url })) };
  if (leftovers === undefined) return [ok(`${text}; leftovers of others are found on Linux alone`, about)];
  if (leftovers.length === 0) return [ok(`none; ${text}`, about)];
  const who = await Promise.all(leftovers.map(describe));
  return [
    problem(
      `${leftovers.length} ${processes(leftovers)} of launches that are no more: ${who.join('; ')}`,
      'sglang-launch doctor --kill-leftovers ends them',
      { ...about, pids: pidsOf(leftovers) },
    ),
  ];
}

/** Ends them, and tells which. */
export async function removeLeftovers(): Promise<readonly Finding[]> {
  const leftovers = (await findLeftovers()) ?? [];
  if (leftovers.length === 0) return [ok('none to end')];
  const who = await Promise.all(leftovers.map(describe));
  const left = await killLeftovers(leftovers);
  const ended = ok(`${leftovers.length - left.length} ${processes(leftovers)} ended: ${who.join('; ')}`, {
    killed: pidsOf(leftovers),
  });
  if (left.length === 0) return [ended];
  const stuck = `${pidsOf(left).join(', ')} cannot be ended`;
  return [
    ended,
    warning(stuck, 'they wait for the kernel, as with a driver that hangs: restart the machine', {
      pids: pidsOf(left),
    }),
  ];
}

async function describe({ pid }: ProcessIdentity): Promise<string> {
  return describeHolder(pid, await commandLine(pid));
}

function pidsOf(processes: readonly ProcessIdentity[]): readonly number[] {
  return processes.map(({ pid }) => pid);
}

function processes({ length }: readonly unknown[]): string {
  return length === 1 ? 'process' : 'processes';
}
