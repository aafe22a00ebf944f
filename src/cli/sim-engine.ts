import { randomUUID } from 'node:crypto';
import { runEngine } from '../sim/main.ts';
import { parseSimOptions } from '../sim/parse-options.ts';

/** `sim-engine`: one simulated SGLang server. Resolves to the exit code. */
export async function runSimEngine(argv: readonly string[]): Promise<number> {
  const parsed = parseSimOptions(argv);
  // The program has answered that.
  if (parsed.kind === 'help') return 0;
  const { options, withoutEffect } = parsed;
  if (withoutEffect.length > 0) say(`no effect on a simulated engine: ${withoutEffect.join(', ')}`);
  return runEngine({
    options,
    commandLine: argv.join(' '),
    newId: () => randomUUID().replaceAll('-', ''),
    say,
    die: () => process.exit(1),
    stopped: stopRequest(options.exitWithParent),
  });
}

/** A log line as a real server writes it, local time first. */
function say(line: string): void {
  const now = new Date();
  const two = (value: number) => String(value).padStart(2, '0');
  const date = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
  const time = `${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}`;
  process.stderr.write(`[${date} ${time}] ${line}\n`);
}

/** Resolves at the first SIGTERM or SIGINT, or, where asked for, when standard input closes; a second signal ends at once. */
function stopRequest(withParent: boolean): Promise<{ readonly atOnce: boolean }> {
  return new Promise((resolve) => {
    let signals = 0;
    const onSignal = () => {
      if (++signals > 1) process.exit(1);
      resolve({ atOnce: false });
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
    if (!withParent) return;
    process.stdin.on('end', () => resolve({ atOnce: true }));
    process.stdin.on('error', () => resolve({ atOnce: true }));
    process.stdin.resume();
  });
}
