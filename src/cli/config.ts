import { gatherServer } from '../config/launch.ts';
import { gatherRouter } from '../config/resolve.ts';
import { settingsOf } from '../config/settings.ts';
import { settingsText } from '../config/settings-text.ts';
import { CO_LAUNCH_OPTIONS, ROUTER_OPTIONS } from '../config/vocabulary.ts';
import { withoutSecrets } from '../os/command-line.ts';
import type { SmallCommand } from './small-command.ts';

export const CONFIG: SmallCommand = {
  usage: '[server|router] [flags of that command]',
  intro: `Prints every value that a command would run by, and where it comes from: the
command line, a variable SGLANG_ROUTER_…, a file (--router-config FILE, of the router
--config FILE), or the default; what comes first in this list counts. Keys are not shown.
The text is itself such a file: what is not given is a comment in it.

Examples:
  sglang-launch config --router-config router.yaml --dp-size 4
  sglang-launch config router --worker-urls http://10.0.0.1:30000 > router.yaml`,
  flags: [],
};

/** `config [server|router] FLAGS`: what the command would run by, and where each value comes from. Resolves to the exit code. */
export async function runConfig(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const [command, ...flags] = argv;
  if (command === 'router') process.stdout.write(await routerText(flags, env));
  else process.stdout.write(await serverText(command === 'server' ? flags : argv, env));
  return 0;
}

async function routerText(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  return settingsText(settingsOf(ROUTER_OPTIONS, await gatherRouter(argv, env)));
}

async function serverText(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const { given, serverArgs } = await gatherServer(argv, env);
  const words = serverArgs.length === 0 ? '' : `\n# Each server gets: ${withoutSecrets(serverArgs).join(' ')}\n`;
  return `${settingsText(settingsOf(CO_LAUNCH_OPTIONS, given))}${words}`;
}
