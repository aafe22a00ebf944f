import { readUrl, ValueError } from '../config/values.ts';
import type { RouterAddress } from '../dashboard/terminal/router-client.ts';
import { ExitError } from '../errors/errors.ts';
import { findLaunches } from '../launch/launch-file.ts';
import type { Parsed, SmallCommand } from './small-command.ts';

const DEFAULT_URL = 'http://127.0.0.1:30000';

/** The flags that name a running router. */
export const ROUTER_FLAGS: SmallCommand['flags'] = [
  [
    '--url <url>',
    `where the router listens (default: the launch of this user that runs, else ${DEFAULT_URL}; variable SGLANG_ROUTER_URL)`,
  ],
  [
    '--api-key <key>',
    'a key of its admin routes (better: the variable SGLANG_ROUTER_API_KEY, which others do not see)',
  ],
];

/** The router that flags or variables name. Throws a usage error. */
export function routerAddress({ flags, words: [word] }: Parsed, env: NodeJS.ProcessEnv): RouterAddress {
  if (word !== undefined)
    throw new ExitError('usage', `expected flags, got ${word}`, { hint: '--help lists the flags' });
  try {
    const url = readUrl(String(flags.url ?? env.SGLANG_ROUTER_URL ?? launchedUrl() ?? DEFAULT_URL));
    const key = flags.apiKey ?? env.SGLANG_ROUTER_API_KEY;
    return { url, apiKey: key === undefined ? undefined : String(key) };
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw new ExitError('usage', `--url: ${error.message}`, { cause: error });
  }
}

/** Where several launches run, none of them is meant more than the others. */
function launchedUrl(): string | undefined {
  const [one, another] = findLaunches().filter(({ running }) => running);
  return another === undefined ? one?.url : undefined;
}
