import { constants } from 'node:os';
import { runBench } from '../bench/bench.ts';
import { parseBenchOptions, renderBenchHelp } from '../bench/options.ts';
import { onSignals } from './exit.ts';

/** `bench`: measures routing. Resolves with the exit code; throws an ExitError when something does not start. */
export async function runBenchCommand(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const options = parseBenchOptions(argv);
  if (options.help) {
    process.stdout.write(renderBenchHelp(env.SGLANG_ROUTER_PROG ?? 'sglang-launch bench'));
    return 0;
  }
  const stop = new AbortController();
  const forget = onSignals({
    first: () => stop.abort(),
    again: (signal) => process.exit(128 + constants.signals[signal]),
  });
  try {
    await runBench(options, {
      env,
      program: process.argv[1] ?? '',
      out: process.stdout,
      progress: process.stderr,
      commandLine: ['bench', ...argv].join(' '),
      stopped: stop.signal,
    });
    return stop.signal.aborted ? 130 : 0;
  } finally {
    forget();
  }
}
