import { once } from 'node:events';
import { ExitError, fileProblem } from '../errors/errors.ts';
import type { FoundLaunch, LaunchedServer } from '../launch/launch-file.ts';
import { follow, lastLines } from '../launch/log-reader.ts';
import { LineReader } from '../launch/tail.ts';
import { isRunning } from '../os/process-identity.ts';
import { chooseLaunch, PID_FLAG } from './choose-launch.ts';
import { parseSmall, type SmallCommand } from './small-command.ts';

export const LOGS: SmallCommand = {
  usage: '[SERVER ...] [flags]',
  intro: `Prints the last lines that servers wrote, of the launch that runs or else of the last one that ended. \
Without names those of all servers, each line after the server's name.

Example: sglang-launch logs w1 -f`,
  flags: [
    ['-f, --follow', 'go on with what is written, until the launch ends'],
    ['-n, --lines <n>', 'how many lines of each server, or all (default: 100)'],
    PID_FLAG,
  ],
};

/** `logs`: prints what servers wrote. Resolves with the exit code. */
export async function runLogs(argv: readonly string[]): Promise<number> {
  const { words: names, flags } = parseSmall(LOGS, argv);
  const count = readCount(flags.lines);
  const launch = chooseLaunch(flags.pid, { ended: true });
  const servers = serversOf(launch, names);
  const over = () => !isRunning(launch.launcher);
  const print = async ({ name, logPath }: LaunchedServer) => {
    const chunks = flags.follow === true ? follow(logPath, count, over) : lastLines(logPath, count);
    try {
      await printLines(chunks, servers.length > 1 ? `${name} | ` : '');
    } catch (cause) {
      throw new ExitError('logs_unreadable', `${logPath}: cannot read it: ${fileProblem(cause)}`, { cause });
    }
  };
  if (flags.follow === true) await Promise.all(servers.map(print));
  else for (const server of servers) await print(server);
  return 0;
}

/** Until whoever reads is gone: `logs -f | head` ends. */
async function printLines(chunks: AsyncIterable<Uint8Array>, prefix: string): Promise<void> {
  const reader = new LineReader();
  const { stdout } = process;
  const print = async (lines: readonly string[]) => {
    if (lines.length > 0 && !stdout.write(lines.map((line) => `${prefix}${line}\n`).join(''))) {
      await Promise.race([once(stdout, 'drain'), once(stdout, 'close')]);
    }
  };
  for await (const chunk of chunks) {
    await print(reader.read(chunk));
    if (!stdout.writable) return;
  }
  await print(reader.end());
}

function serversOf({ servers }: FoundLaunch, names: readonly string[]): readonly LaunchedServer[] {
  const all = servers.map(({ name }) => name);
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined) {
    throw new ExitError('usage', `there is no server ${unknown}`, { hint: `the servers are ${all.join(', ')}` });
  }
  return names.length === 0 ? servers : servers.filter(({ name }) => names.includes(name));
}

function readCount(lines: string | boolean | undefined): number {
  if (lines === 'all') return Number.POSITIVE_INFINITY;
  const count = lines === undefined ? 100 : Number(lines);
  if (Number.isInteger(count) && count > 0) return count;
  throw new ExitError('usage', `--lines: expected a number of lines or all, got ${lines}`);
}
