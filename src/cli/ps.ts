import { psText } from '../dashboard/terminal/ps.ts';
import { askSnapshot } from '../dashboard/terminal/router-client.ts';
import { ROUTER_FLAGS, routerAddress } from './router-address.ts';
import { parseSmall, type SmallCommand } from './small-command.ts';

/** Of output that goes elsewhere nothing is cut. */
const ANY_WIDTH = 1_000;

export const PS: SmallCommand = {
  usage: '[flags]',
  intro: `Prints the workers of a running router, once. Of times, 50/99 are what half and what 99 of 100 requests took at most;
of hits, P/A are the rate that was predicted and the actual one.`,
  flags: [
    ...ROUTER_FLAGS,
    ['--json', 'print everything that is known as JSON; docs/ps.schema.json tells what stands where'],
  ],
};

/** `ps`: prints the workers of a running router. Resolves with the exit code. */
export async function runPs(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const parsed = parseSmall(PS, argv);
  const router = routerAddress(parsed, env);
  // In place of the words, with the key among them.
  process.title = 'sglang-launch ps';
  const snapshot = await askSnapshot(router);
  const { stdout } = process;
  stdout.write(
    parsed.flags.json ? `${JSON.stringify(snapshot, null, 2)}\n` : psText(snapshot, stdout.columns ?? ANY_WIDTH),
  );
  return 0;
}
