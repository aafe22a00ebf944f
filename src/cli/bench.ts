import { constants } from 'node:os';
import { runBench } from '../bench/bench.ts';
import { type BenchOptions, parseBenchOptions } from '../bench/options.ts';
import { resolveRouter } from '../config/resolve.ts';
import { readUrl, ValueError } from '../config/values.ts';
import { ExitError } from '../errors/errors.ts';
import { parseSimOptions } from '../sim/parse-options.ts';
import { onSignals } from './exit.ts';

/** `bench`: measures routing. Resolves with the exit code; throws an ExitError when something does not start. */
export async function runBenchCommand(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const options = parseBenchOptions(argv);
  const { config: policyOptions } = await checkPrograms(options);
  const stop = new AbortController();
  const forget = onSignals({
    first: () => stop.abort(),
    again: (signal) => process.exit(128 + constants.signals[signal]),
  });
  try {
    await runBench(options, {
      env,
      program: process.argv[1] ?? '',
      policyOptions,
      out: process.stdout,
      progress: process.stderr,
      commandLine: ['bench', ...argv].join(' ').replaceAll(options.apiKey ?? '\0', '***'),
      stopped: stop.signal,
    });
    return stop.signal.aborted ? 130 : 0;
  } finally {
    forget();
  }
}

/** What the programs that are about to start would refuse is refused now. */
async function checkPrograms({ url, calibrate, policies, whatIf, routerArgs, engineFlags }: BenchOptions) {
  if (url !== undefined) await refusing('--url', () => readUrl(url));
  if (calibrate !== undefined) await refusing('--calibrate', () => readUrl(calibrate));
  for (const policy of [...policies, ...(whatIf?.policies ?? [])])
    await refusing('', () => resolveRouter(['--policy', policy], {}));
  parseSimOptions(engineFlags);
  return refusing('--router-args', () => resolveRouter(routerArgs, {}));
}

async function refusing<T>(flag: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof ExitError) && !(error instanceof ValueError)) throw error;
    const message = flag === '' ? error.message : `${flag}: ${error.message}`;
    throw new ExitError('usage', message, { hint: error.hint, cause: error });
  }
}
