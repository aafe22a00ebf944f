import { ExitError } from '../errors/errors.ts';
import type { Given } from './argv.ts';
import type { FlagOf } from './flag-of.ts';
import type { Config } from './options.ts';

/** How many servers of each role the launcher starts. */
export type Launched = Readonly<Record<'regular' | 'prefill' | 'decode', number>>;

type Key = keyof Config;

/** Meant for `--pd-disaggregation` alone. */
const OWN: readonly Key[] = ['prefill', 'decode', 'prefillPolicy', 'decodePolicy', 'pdProtocol'];

/** Rules of prefill-decode disaggregation. Throws a usage error; returns what is allowed but surely not meant. */
export function checkPrefillDecode(
  config: Config,
  flagOf: FlagOf,
  given: ReadonlyMap<string, Given>,
  launched: Launched,
): readonly string[] {
  const mode = flagOf('pdDisaggregation');
  if (!config.pdDisaggregation) {
    refusePairsAlone(config, flagOf, launched);
    return OWN.filter((key) => given.has(key)).map((key) => `${flagOf(key)} has no effect without ${mode}`);
  }
  return [...ignored(config, flagOf, given), ...missing(config, flagOf, launched)];
}

/** Workers may come from elsewhere than the command line. */
export function growsByItself({ serviceDiscovery, workerDns, workersFile }: Config): boolean {
  return serviceDiscovery || workerDns.length > 0 || workersFile !== undefined;
}

/** Whoever names nothing but prefill and decode servers wants them served. */
function refusePairsAlone(config: Config, flagOf: FlagOf, launched: Launched): void {
  const { prefill, decode, workerUrls } = config;
  if (prefill.length + decode.length === 0) return;
  if (workerUrls.length > 0 || launched.regular > 0 || growsByItself(config)) return;
  const flag = flagOf(prefill.length > 0 ? 'prefill' : 'decode');
  const mode = flagOf('pdDisaggregation');
  throw new ExitError('usage', `${flag} needs ${mode}, got it without`, { hint: `add ${mode}` });
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
    const call = `POST /add_worker?url=URL&worker_type=${role}`;
    return [`no ${role} server so far (${flagOf(role)} URL, or ${call}): requests wait until one is added`];
  });
}
