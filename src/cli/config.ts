import { gatherServer } from '../config/launch.ts';
import { LAUNCH_OPTIONS, SERVER_OPTIONS } from '../config/launch-options.ts';
import { gatherRouter, questionIn } from '../config/resolve.ts';
import { settingsOf } from '../config/settings.ts';
import { settingsText } from '../config/settings-text.ts';
import { optionsOf, PREFIXED_OPTIONS, ROUTER_OPTIONS } from '../config/vocabulary.ts';
import { withoutSecrets } from '../os/command-line.ts';

const HELP = `usage: sglang-launch config [server|router] [flags]

Prints every value that \`sglang-launch server FLAGS\`, or \`sglang-launch router FLAGS\`, would run by, and where it comes from:
the command line, a variable SGLANG_ROUTER_..., a file (--router-config FILE, of the router --config FILE), or the default.
What comes first in this list counts. Keys are not shown. The text is itself such a file, with a comment where nothing is given.

Examples:
  sglang-launch config --router-config router.yaml --dp-size 4
  sglang-launch config router --worker-urls http://10.0.0.1:30000 > router.yaml
`;

/** `config [server|router] FLAGS`: what the command would run by, and where each value comes from. Resolves to the exit code. */
export async function runConfig(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  if (questionIn(argv) === 'help') {
    process.stdout.write(HELP);
    return 0;
  }
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
  const options = [...optionsOf(SERVER_OPTIONS), ...optionsOf(LAUNCH_OPTIONS), ...PREFIXED_OPTIONS];
  const words = serverArgs.length === 0 ? '' : `\n# Each server gets: ${withoutSecrets(serverArgs).join(' ')}\n`;
  return `${settingsText(settingsOf(options, given))}${words}`;
}
