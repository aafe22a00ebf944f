import { ExitError } from '../errors.ts';
import type { Given } from './argv.ts';
import type { FlagOf } from './check.ts';
import type { Config } from './options.ts';

/** How many servers of each role the launcher starts. */
export type Launched = Readonly<Record<'regular' | 'prefill' | 'decode', number>>;

type Key = keyof Config;

/** Meant for `--pd-disaggregation` alone. */
const OWN: readonly Key[] = ['prefill', 'decode', 'prefillPolicy', 'decodePolicy'];

/** Rules of prefill-decode disaggregation. Throws a usage error; returns what is allowed but surely not meant. */
export function checkPrefillDecode(
  config: Config,
  flagOf: FlagOf,
  given: ReadonlyMap<string, Given>,
  launched: Launched,
): readonly string[] {
  const mode = flagOf('pdDisaggregation');
  if (!config.pdDisaggregation) {
    return OWN.filter((key) => given.has(key)).map((key) => `${flagOf(key)} has no effect without ${mode}`);
  }
  refuseDoubles(config, flagOf);
  return [...ignored(config, flagOf, given), ...missing(config, flagOf, launched)];
}

/** Workers may come from elsewhere than the command line. */
export function growsByItself({ serviceDiscovery, workerDns, workersFile }: Config): boolean {
  return serviceDiscovery || workerDns.length > 0 || workersFile !== undefined;
}

/** A server does one of the two, and is named once. */
function refuseDoubles(config: Config, flagOf: FlagOf): void {
  const flags = new Map<string, string>();
  const named = [
    ...config.prefill.map(({ url }) => [url, flagOf('prefill')] as const),
    ...config.decode.map((url) => [url, flagOf('decode')] as const),
  ];
  for (const [url, flag] of named) {
    const before = flags.get(url);
    if (before !== undefined) throw new ExitError('usage', `${flag} ${url}: given before with ${before}`);
    flags.set(url, flag);
  }
}

function ignored(config: Config, flagOf: FlagOf, given: ReadonlyMap<string, Given>): readonly string[] {
  const { policy, prefillPolicy, decodePolicy, workerUrls } = config;
  const notices: string[] = [];
  if (workerUrls.length > 0) {
    const [mode, prefill, decode] = [flagOf('pdDisaggregation'), flagOf('prefill'), flagOf('decode')];
    notices.push(
      `${flagOf('workerUrls')} has no effect with ${mode}: its servers are those of ${prefill} and ${decode}`,
    );
  }
  if (given.has('policy') && prefillPolicy !== undefined && decodePolicy !== undefined) {
    const both = `${flagOf('prefillPolicy')} and ${flagOf('decodePolicy')} are given too`;
    notices.push(`${flagOf('policy')} ${policy} has no effect: ${both}`);
  }
  return notices;
}

/** Servers may still be added at run time. */
function missing(config: Config, flagOf: FlagOf, launched: Launched): readonly string[] {
  if (growsByItself(config)) return [];
  return (['prefill', 'decode'] as const).flatMap((role) => {
    if (config[role].length + launched[role] > 0) return [];
    return [`no ${role} server so far (${flagOf(role)} URL): requests wait until one is added`];
  });
}
