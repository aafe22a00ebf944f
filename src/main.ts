import { removeOwnVariable } from './cli/own-environment.ts';
import { type ProgramName, runProgram } from './cli/program.ts';
import { tuneV8 } from './cli/tune-v8.ts';

/** The executable: command line → program → exit code. */
export async function main(program: ProgramName): Promise<never> {
  tuneV8();
  removeOwnVariable(process.env);
  for (const stream of [process.stdout, process.stderr]) stream.on('error', ignore);
  const code = await runProgram(program, process.argv.slice(2), {
    env: process.env,
    columns: process.stdout.columns ?? 100,
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    errorColumns: process.stderr.isTTY ? process.stderr.columns || 80 : undefined,
  });
  // A pipe takes what is longer than its buffer only as it is read. Of the log, whose reader may have stopped, nothing is waited for.
  await new Promise((written) => process.stdout.write('', written));
  process.exit(code);
}

/** Whoever read our output is gone (`… --help | head`), or the disk it goes to is full: that ends nothing else. */
function ignore(): void {}

if (import.meta.main) await main('sglang-launch');
