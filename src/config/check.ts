import { ExitError } from '../errors/errors.ts';
import type { Given } from './argv.ts';
import { checkDoubles } from './doubles.ts';
import type { FlagOf } from './flag-of.ts';
import type { Config } from './options.ts';
import { checkPrefillDecode, growsByItself, type Launched } from './prefill-decode.ts';

const NONE: Launched = { regular: 0, prefill: 0, decode: 0 };

/**
 * Rules between options; those of one value stand in the table. Throws a usage error; returns what is allowed but
 * surely not meant. `launched` servers count as workers.
 */
export function check(
  config: Config,
  flagOf: FlagOf,
  given: ReadonlyMap<string, Given>,
  launched = NONE,
): readonly string[] {
  checkNumbers(config, flagOf);
  checkDiscovery(config, flagOf);
  checkKeys(config, flagOf, given);
  checkPair(config, flagOf, 'tlsCertPath', 'tlsKeyPath');
  checkPair(config, flagOf, 'clientCertPath', 'clientKeyPath');
  checkPorts(config, flagOf, given);
  return [
    ...checkPrefillDecode(config, flagOf, given, launched),
    ...checkDoubles(config, flagOf, given),
    ...ignoredSelectors(config, flagOf, given),
    ...powerOfTwoAlone(config, flagOf, launched),
    ...nobody(config, flagOf, launched),
    ...switchedOff(config, flagOf, given),
  ];
}

/** Two ports of one address. Where the metrics' port was not chosen, the log tells of it when it cannot be opened. */
function checkPorts(config: Config, flagOf: FlagOf, given: ReadonlyMap<string, Given>): void {
  const { host, port, prometheusHost, prometheusPort } = config;
  if (port !== prometheusPort || !given.has('prometheusPort') || !overlap(host, prometheusHost)) return;
  const flag = flagOf('prometheusPort');
  refuse(`${flag}: expected another port than that of ${flagOf('port')}, got ${port} for both`, {
    hint: `leave it out: the metrics are at /metrics of the main port too, and with ${flag} 0 there alone`,
  });
}

/** Whether listening on one address takes the port from the other too. */
function overlap(a: string, b: string): boolean {
  const kind = (host: string) => {
    if (host === '0.0.0.0' || host === '::') return 'any';
    return host === 'localhost' || host.startsWith('127.') || host === '::1' ? 'loopback' : host;
  };
  return kind(a) === kind(b) || kind(a) === 'any' || kind(b) === 'any';
}

/** Allowed, as workers may be added at run time. Prefill and decode servers that are missing are told of in their own rules. */
function nobody(config: Config, flagOf: FlagOf, launched: Launched): readonly string[] {
  const some = config.workerUrls.length + launched.regular > 0 || growsByItself(config);
  if (config.pdDisaggregation || some) return [];
  const how = `start with ${flagOf('workerUrls')} URL, or POST /add_worker?url=URL`;
  return [`no workers so far (${how}): requests wait until one is added`];
}

/** What a switch turns off, and the settings of it. */
const SWITCHES: readonly (readonly [keyof Config, readonly (keyof Config)[]])[] = [
  [
    'disableRetries',
    ['retryMaxRetries', 'retryInitialBackoffMs', 'retryMaxBackoffMs', 'retryBackoffMultiplier', 'retryJitterFactor'],
  ],
  ['disableCircuitBreaker', ['cbFailureThreshold', 'cbSuccessThreshold', 'cbTimeoutDurationMs', 'cbWindowDurationMs']],
];

/** Settings of what is switched off, and of traces that nobody asked for. */
function switchedOff(config: Config, flagOf: FlagOf, given: ReadonlyMap<string, Given>): readonly string[] {
  const without = SWITCHES.flatMap(([off, keys]) =>
    keys
      .filter((key) => config[off] === true && given.has(key))
      .map((key) => `${flagOf(key)} has no effect with ${flagOf(off)}`),
  );
  if (config.enableTrace || !given.has('otlpTracesEndpoint')) return without;
  return [...without, `${flagOf('otlpTracesEndpoint')} has no effect without ${flagOf('enableTrace')}`];
}

function checkPair(config: Config, flagOf: FlagOf, certificate: keyof Config, key: keyof Config): void {
  if ((config[certificate] === undefined) === (config[key] === undefined)) return;
  const [given, missing] = config[key] === undefined ? [certificate, key] : [key, certificate];
  refuse(`${flagOf(given)} needs ${flagOf(missing)}`);
}

/** Who asks for protection must not be served without. */
function checkKeys({ apiKey, controlPlaneApiKeys }: Config, flagOf: FlagOf, given: ReadonlyMap<string, Given>): void {
  const source = given.get('jwtIssuer')?.source;
  if (!source || apiKey || controlPlaneApiKeys.length > 0) return;
  const [key, keys] = [flagOf('apiKey'), flagOf('controlPlaneApiKeys')];
  refuse(`${source} has no effect, and without ${key} or ${keys} the admin routes are open to everybody`, {
    hint: `give ${keys} ID:NAME:admin:KEY`,
  });
}

function checkNumbers(config: Config, flagOf: FlagOf): void {
  if (config.retryMaxBackoffMs < config.retryInitialBackoffMs) {
    const [longest, first] = [flagOf('retryMaxBackoffMs'), flagOf('retryInitialBackoffMs')];
    refuse(`${longest}: expected at least ${first} (${config.retryInitialBackoffMs}), got ${config.retryMaxBackoffMs}`);
  }
  if (config.queueSize > 0 && config.queueTimeoutMs === 0) {
    refuse(`${flagOf('queueTimeoutMs')}: expected at least 1 second, got 0`, {
      hint: `${flagOf('queueSize')} 0 turns the queue off`,
    });
  }
  if (!config.healthCheckEndpoint.startsWith('/')) {
    refuse(`${flagOf('healthCheckEndpoint')}: expected a path such as /health, got '${config.healthCheckEndpoint}'`);
  }
  const bounds = config.prometheusDurationBuckets ?? [];
  if (bounds.some((bound, at) => bound <= (bounds[at - 1] ?? 0))) {
    refuse(`${flagOf('prometheusDurationBuckets')}: expected rising numbers above 0, got ${bounds.join(' ')}`);
  }
}

function checkDiscovery(config: Config, flagOf: FlagOf): void {
  const { pdDisaggregation, workerDns } = config;
  const mode = flagOf('pdDisaggregation');
  if (pdDisaggregation && workerDns.length > 0) {
    refuse(`${flagOf('workerDns')} does not go with ${mode}: a name in the DNS does not tell prefill from decode`);
  }
  if (!config.serviceDiscovery) return;
  if (config.peerSelector.length > 0 && config.tlsCertPath !== undefined) {
    const [selector, certificate] = [flagOf('peerSelector'), flagOf('tlsCertPath')];
    refuse(`${selector} does not go with ${certificate}: no certificate is for the address of a pod`, {
      hint: `name the routers as their certificates do, with ${flagOf('peerUrls')} https://NAME:PORT`,
    });
  }
  const discovery = flagOf('serviceDiscovery');
  const needed = pdDisaggregation ? (['prefillSelector', 'decodeSelector'] as const) : (['selector'] as const);
  const missing = needed.filter((key) => config[key].length === 0).map((key) => `${flagOf(key)} KEY=VALUE`);
  if (missing.length > 0) {
    refuse(`${discovery}${pdDisaggregation ? ` with ${mode}` : ''} needs ${missing.join(' and ')}, got none`);
  }
  for (const key of ['serviceDiscoveryNamespace', 'peerNamespace'] as const) {
    const namespace = config[key];
    if (namespace !== undefined && !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(namespace)) {
      refuse(`${flagOf(key)}: expected the name of a namespace, got '${namespace}'`);
    }
  }
}

/** Flags of discovery that nobody reads. */
function ignoredSelectors(
  { serviceDiscovery, pdDisaggregation, peerSelector }: Config,
  flagOf: FlagOf,
  given: ReadonlyMap<string, Given>,
) {
  const ignored = (keys: readonly (keyof Config)[], because: string) =>
    keys.filter((key) => given.has(key)).map((key) => `${flagOf(key)} has no effect ${because}`);
  const pools = ['prefillSelector', 'decodeSelector'] as const;
  if (!serviceDiscovery)
    return ignored(['selector', ...pools, 'peerSelector', 'peerNamespace'], `without ${flagOf('serviceDiscovery')}`);
  const mode = flagOf('pdDisaggregation');
  return [
    ...(pdDisaggregation ? ignored(['selector'], `with ${mode}`) : ignored(pools, `without ${mode}`)),
    ...(peerSelector.length > 0 ? [] : ignored(['peerNamespace'], `without ${flagOf('peerSelector')}`)),
  ];
}

function powerOfTwoAlone(config: Config, flagOf: FlagOf, launched: Launched): readonly string[] {
  if (growsByItself(config)) return [];
  const roles: readonly [keyof Config, string | undefined, keyof Config, number][] = config.pdDisaggregation
    ? [
        ['prefillPolicy', config.prefillPolicy ?? config.policy, 'prefill', config.prefill.length + launched.prefill],
        ['decodePolicy', config.decodePolicy ?? config.policy, 'decode', config.decode.length + launched.decode],
      ]
    : [['policy', config.policy, 'workerUrls', config.workerUrls.length + launched.regular]];
  return roles.flatMap(([policyKey, policy, workersKey, count]) => {
    if (policy !== 'power_of_two' || count >= 2) return [];
    const flag = config[policyKey] === undefined ? flagOf('policy') : flagOf(policyKey);
    return `${flag} power_of_two chooses between 2 workers or more (${flagOf(workersKey)}), got ${count} so far`;
  });
}

function refuse(message: string, options: { readonly hint?: string } = {}): never {
  throw new ExitError('usage', message, options);
}
