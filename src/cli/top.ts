import { runTop } from '../dashboard/terminal/top.ts';
import { ExitError } from '../errors/errors.ts';
import { onSignals } from './exit.ts';
import { ROUTER_FLAGS, routerAddress } from './router-address.ts';
import { parseSmall, type SmallCommand } from './small-command.ts';

export const TOP: SmallCommand = {
  usage: '[flags]',
  intro: `Shows a running router on the whole terminal, anew each second: its workers, the last decisions, errors by cause.
q or Ctrl-C ends it, the arrow keys scroll the workers. Of times, 50/99 are what half and what 99 of 100 requests took at
most; of hits, P/A are the rate that was predicted and the actual one.`,
  flags: ROUTER_FLAGS,
};

/** `top`: shows a running router until a key or a signal ends it. Resolves with the exit code. */
export async function runTopCommand(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const router = routerAddress(parseSmall(TOP, argv), env);
  // In place of the words, with the key among them.
  process.title = 'sglang-launch top';
  const { stdin, stdout } = process;
  if (!stdout.isTTY) {
    throw new ExitError('usage', 'expected a terminal to draw on', { hint: 'sglang-launch ps prints the same once' });
  }
  const stop = new AbortController();
  const end = () => stop.abort();
  const forget = onSignals({ first: end, again: end });
  try {
    await runTop({ router, terminal: stdout, keyboard: stdin.isTTY ? stdin : undefined, env, stop });
    return 0;
  } finally {
    forget();
  }
}
