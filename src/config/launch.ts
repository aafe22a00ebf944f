import { ExitError } from '../errors/errors.ts';
import { type Find, findAbbreviated, type Given, isFlag, type Option, scan, unknownFlag } from './argv.ts';
import { check } from './check.ts';
import { addConfigFile } from './config-file.ts';
import { type Env, unknownVariables } from './environment.ts';
import { grpcRefusal, speaksGrpc } from './grpc.ts';
import { AUTO, LAUNCH_OPTIONS, SERVER_OPTIONS, SERVERS_TOO, SHORTEST, TAKEN } from './launch-options.ts';
import { nearest } from './nearest.ts';
import { type Config, OPTIONS } from './options.ts';
import type { Launched } from './prefill-decode.ts';
import { addEnvironment, configOf, deepFreeze, QUESTION_FLAGS, type RouterSettings, valuesOf } from './resolve.ts';
import { addServerFile } from './server-file.ts';
import { type Setting, settingsOf } from './settings.ts';
import type { ValueOf } from './spec.ts';
import {
  CO_LAUNCH_OPTIONS,
  optionsOf,
  PREFIXED_OPTIONS,
  prefixed,
  prefixedFlag,
  ROUTER_OPTIONS,
  vocabularyOf,
} from './vocabulary.ts';

/** What the launcher starts: how many servers, where, and with which arguments. */
export interface LaunchConfig {
  /** Simulated engines in place of SGLang servers. */
  readonly sim: boolean;
  /** Only say what would be started. */
  readonly dryRun: boolean;
  /** How many servers of each role to start; with `--dp-size auto` Infinity, until `fillGpus` knows. */
  readonly servers: Launched;
  /** Port of the first server. */
  readonly workerBasePort: number;
  readonly serveWhen: 'all' | 'first';
  /** What the servers compute on; `cuda` is AMD's GPUs too. */
  readonly device: string;
  /** Machines of each server. */
  readonly nodes: number;
  /** Which lines of the servers are shown. */
  readonly serverLogs: 'auto' | 'all' | 'important' | 'quiet';
  /** The line for scripts is printed on a terminal too. */
  readonly readyJson: boolean;
  /** Which GPUs: the first one, the distance between two, and how many a server uses. */
  readonly gpu: { readonly base: number; readonly step: number; readonly perServer: number };
  readonly serverApiKey: string | undefined;
  /** The servers have a certificate and speak HTTPS. */
  readonly serverTls: boolean;
  /** Restarts of a server that dies again and again. */
  readonly workerRestarts: number;
  readonly modelPath: string | undefined;
  /** For each server, untouched and in order; host, port, dp-size and base-gpu-id are the launcher's to add. */
  readonly serverArgs: readonly string[];
}

/** Settings of a co-launch. */
export interface ServerSettings extends RouterSettings {
  readonly launch: LaunchConfig;
  /** Of every option of the router and the launcher, and of the servers' that are read here. */
  readonly settings: readonly Setting[];
}

type Values<T> = { readonly [K in keyof T]: ValueOf<T[K]> };

const SIZES = ['prefillSize', 'decodeSize'];
const OURS = [...PREFIXED_OPTIONS, ...optionsOf(LAUNCH_OPTIONS)];
const OUR_FLAGS = vocabularyOf(OURS);
const READ_OPTIONS = optionsOf(SERVER_OPTIONS);
/** What the file of launch_server may name: the flags that its help lists. */
const FILE_FLAGS = vocabularyOf(CO_LAUNCH_OPTIONS);
const READ_FLAGS = vocabularyOf([...READ_OPTIONS, ...OURS.filter(({ key }) => TAKEN.has(key))]);
const ROUTER_FLAGS = vocabularyOf(ROUTER_OPTIONS);
/** Flags of the router that no server has. */
const ROUTER_ALONE = optionsOf(OPTIONS)
  .flatMap(({ spec }) => spec.flags)
  .filter((flag) => !SERVERS_TOO.has(flag) && !READ_FLAGS.has(flag));

/** What is given for a co-launch. */
interface GivenToLaunch {
  readonly given: ReadonlyMap<string, Given>;
  /** The words that each server gets as they are. */
  readonly serverArgs: readonly string[];
}

/** The configuration of a co-launch: the router's, the launcher's and the servers' part. Rejects with a usage error. */
export async function resolveServer(
  argv: readonly string[],
  env: Env,
  { modelNeeded = true } = {},
): Promise<ServerSettings> {
  const { given, serverArgs } = await gatherServer(argv, env);
  const { config, notices } = configOf(PREFIXED_OPTIONS, given);
  const launch = launchOf(given, serverArgs);
  if (config.pdDisaggregation) checkRoles(config, launch, given);
  if (modelNeeded && !launch.sim && !launch.modelPath && !given.has('serverConfig')) throw noModel(serverArgs);
  const flagOf = (key: keyof Config) => prefixed({ key, spec: OPTIONS[key] }).spec.flags[0];
  const warnings = check(config, flagOf, given, launch.servers);
  return {
    config,
    launch,
    notices: [...notices, ...warnings, ...misspelt(serverArgs), ...unknownVariables(env)],
    settings: settingsOf(CO_LAUNCH_OPTIONS, given),
  };
}

/** Splits the command line, and adds what environment and files give. Rejects with a usage error. */
export async function gatherServer(argv: readonly string[], env: Env): Promise<GivenToLaunch> {
  const serverArgs: string[] = [];
  const passOn = ({ key }: Option) => key in SERVER_OPTIONS && !TAKEN.has(key);
  const given = scan(argv, find, (word) => serverArgs.push(serversWord(word)), passOn);
  addEnvironment(given, OURS, env);
  await addConfigFile(given, FILE_FLAGS, refuseInFile);
  for (const option of READ_OPTIONS) {
    const { origin, occurrences = [] } = given.get(option.key) ?? {};
    if (origin?.kind === 'file' && passOn(option)) serverArgs.push(option.spec.flags[0], ...occurrences.flat());
  }
  await addServerFile(given, READ_FLAGS);
  addPrefillDecode(given);
  return { given, serverArgs };
}

/** A name in the file of launch_server that no flag of its help has. */
function refuseInFile(flag: string): ExitError {
  const { message } = unknownFlag(flag, FILE_FLAGS.keys());
  const hint =
    'flags of the servers that --help does not list are written on the command line, or in the file of --config';
  return refusalOf(flag) ?? new ExitError('usage', message, { hint });
}

function noModel(serverArgs: readonly string[]): ExitError {
  const typed = serverArgs.find(
    (word) => isFlag(word) && nearest(word.split('=', 1)[0]!, READ_FLAGS.keys())?.startsWith('--model'),
  );
  const asked = typed === undefined ? '' : `; did you mean --model-path by ${typed.split('=', 1)[0]}?`;
  return new ExitError('usage', `no model to serve${asked}`, {
    hint: 'give --model-path MODEL, or --sim to try it with simulated engines',
  });
}

/** Flags that go to the servers, which have hundreds, but look like the router's. */
function misspelt(serverArgs: readonly string[]): readonly string[] {
  return serverArgs.filter(isFlag).flatMap((word) => {
    const name = word.split('=', 1)[0]!;
    // One letter: --load-format is a flag of SGLang, not --log-format.
    const meant = name.length < 6 ? undefined : nearest(name, ROUTER_ALONE, 1);
    if (meant === undefined || SERVERS_TOO.has(name) || READ_FLAGS.has(name)) return [];
    return `${name} goes to the servers as it is; did you mean ${prefixedFlag(meant)}?`;
  });
}

/** Servers of two roles need a router that knows them. */
function addPrefillDecode(given: Map<string, Given>): void {
  for (const key of SIZES) {
    const size = given.get(key);
    const switched = given.get('pdDisaggregation')?.occurrences ?? [];
    if (size !== undefined && switched.length === 0) given.set('pdDisaggregation', { ...size, occurrences: [[]] });
  }
}

/** The servers of both roles are started here, or are there already. */
function checkRoles(config: Config, { servers, serverArgs }: LaunchConfig, given: ReadonlyMap<string, Given>): void {
  const sizes = '--router-prefill-size N and --router-decode-size N';
  if (servers.prefill + servers.decode === 0) {
    throw new ExitError('usage', `${given.get('pdDisaggregation')?.source}: no server to start`, {
      hint: `give ${sizes}, or use launch_router for servers that run already`,
    });
  }
  const count = given.get('dpSize')?.source;
  if (count !== undefined) {
    throw new ExitError('usage', `${count} does not go with prefill and decode servers`, {
      hint: `leave it out: ${sizes} say how many are started`,
    });
  }
  for (const role of ['prefill', 'decode'] as const) {
    if (servers[role] + config[role].length > 0) continue;
    throw new ExitError('usage', `no ${role} server`, {
      hint: `give --router-${role}-size N, or --router-${role} URL for one that runs already`,
    });
  }
  const own = serverArgs.find((word) => /^--disaggregation-[mb]/.test(word));
  if (own !== undefined) {
    throw new ExitError('usage', `${own.split('=', 1)[0]} is set for each server`, {
      hint: `leave it out: ${sizes} decide`,
    });
  }
}

/** Ours in full, `--router-…` in any unambiguous beginning, and the servers' flags that are read as argparse finds them. */
const find: Find = (name) => {
  const exact = OUR_FLAGS.get(name);
  if (exact) return { flag: name, option: exact };
  if (name.startsWith('--router-')) return findAbbreviated(OUR_FLAGS)(name);
  for (const [flag, option] of READ_FLAGS) {
    const shortest = SHORTEST[flag] ?? flag;
    if (flag.startsWith(name) && name.startsWith(shortest)) return { flag, option };
  }
  return undefined;
};

/** The word itself, unless it was surely meant for the router. */
function serversWord(word: string): string {
  const refusal = refusalOf(word);
  if (refusal) throw refusal;
  return word;
}

/** Why the servers do not get that word; undefined where they do. */
function refusalOf(word: string): ExitError | undefined {
  const name = word.split('=', 1)[0]!;
  if (name.startsWith('--router-')) return unknownFlag(word, OUR_FLAGS.keys());
  if (speaksGrpc(name)) return grpcRefusal(name);
  // One letter of a longer word: the servers may have short flags that begin alike.
  if (name.length > 4 && nearest(name, QUESTION_FLAGS, 1)) return unknownFlag(word, QUESTION_FLAGS);
  if (!ROUTER_FLAGS.has(name) || SERVERS_TOO.has(name)) return undefined;
  return new ExitError('usage', `${name} is a router flag: with launch_server write ${prefixedFlag(name)}`);
}

function launchOf(given: ReadonlyMap<string, Given>, serverArgs: readonly string[]): LaunchConfig {
  const own = valuesOf(optionsOf(LAUNCH_OPTIONS), given) as Values<typeof LAUNCH_OPTIONS>;
  const read = valuesOf(READ_OPTIONS, given) as Values<typeof SERVER_OPTIONS>;
  return deepFreeze({
    sim: own.sim,
    dryRun: own.dryRun,
    servers: serversOf(own.prefillSize, own.decodeSize, read.dpSize),
    workerBasePort: own.workerBasePort,
    serveWhen: own.serveWhen,
    device: read.device,
    nodes: read.nodes,
    serverLogs: own.serverLogs,
    readyJson: own.readyJson,
    gpu: { base: read.baseGpuId, step: read.gpuIdStep, perServer: read.tpSize * read.ppSize },
    serverApiKey: read.serverApiKey,
    serverTls: read.sslCertfile !== undefined && !own.sim,
    workerRestarts: own.workerRestarts,
    modelPath: read.serverModelPath,
    serverArgs,
  });
}

function serversOf(prefill: number, decode: number, dpSize: number | typeof AUTO): Launched {
  if (prefill + decode > 0) return { regular: 0, prefill, decode };
  return { regular: dpSize === AUTO ? Number.POSITIVE_INFINITY : dpSize, prefill, decode };
}

/** SGLang reads the file too, and takes numbers alone. */
