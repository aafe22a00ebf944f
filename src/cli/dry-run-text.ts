import { isFlag } from '../config/argv.ts';
import type { LaunchConfig } from '../config/launch.ts';
import { LAUNCH_OPTIONS, SERVER_OPTIONS, TAKEN } from '../config/launch-options.ts';
import type { Config } from '../config/options.ts';
import type { Setting } from '../config/settings.ts';
import type { Engine } from '../launch/engine.ts';
import type { Gpus } from '../launch/gpus.ts';
import { describeGpus, SERVER_HOST, type ServerPlan } from '../launch/plan.ts';
import type { ServerPorts } from '../launch/server-ports.ts';
import { redacting } from '../observe/log/redact.ts';
import { withoutSecrets } from '../os/command-line.ts';
import { shellWords } from './shell-words.ts';

/** A server with the ports it would get. */
export interface PlannedServer extends ServerPorts {
  readonly plan: ServerPlan;
}

/** All that would be started. */
interface Planned {
  readonly config: Config;
  readonly launch: LaunchConfig;
  readonly notices: readonly string[];
  readonly settings: readonly Setting[];
  readonly engine: Engine;
  readonly gpus: Gpus | undefined;
  readonly servers: readonly PlannedServer[];
}

/** Shown with their default too: what everybody asks for first. */
const ALWAYS: ReadonlySet<string> = new Set([
  'host',
  'port',
  'policy',
  'maxConcurrentRequests',
  'prometheusPort',
  'dpSize',
  'tpSize',
  'workerBasePort',
]);

/** What a launch would start, in words and as commands for a shell. */
export function dryRunText(planned: Planned): string {
  const { config, notices, settings, servers } = planned;
  const used = settings.filter(({ key, origin }) => key !== 'dryRun' && (ALWAYS.has(key) || origin.kind !== 'default'));
  const ofLauncher = (key: string) => key in LAUNCH_OPTIONS || key in SERVER_OPTIONS;
  const text = [
    'dry run: this would be started, and nothing was',
    '',
    `router    http${config.tlsCertPath ? 's' : ''}://${hostOf(config)}:${config.port}, in the launcher's own process`,
    `engine    ${planned.engine.label}`,
    `GPUs      ${gpusText(planned)}`,
    `logs      a new folder in ${config.logDir ?? "the system's temporary folder"}`,
    '',
    ...servers.flatMap((server) => serverText(server, planned)),
    ...table('The router reads', rowsOf(used.filter(({ key }) => !ofLauncher(key)))),
    ...table('The launcher reads', rowsOf(used.filter(({ key }) => ofLauncher(key)))),
    ...table('Every server gets', serverRows(planned)),
    ...notices.map((notice) => `warning: ${notice}`),
  ];
  return hidingKeys(planned, `${text.join('\n').trimEnd()}\n`);
}

function serverText({ plan, port, bootstrapPort }: PlannedServer, { engine, launch }: Planned): readonly string[] {
  const { file, args, env } = plan.command(port, bootstrapPort);
  const gpus = usesGpus(engine, launch) ? `  ${describeGpus(plan.gpus)}` : '';
  const bootstrap = bootstrapPort === undefined ? '' : `  bootstrap port ${bootstrapPort}`;
  const variables = Object.entries(env).map(([name, value]) => `${name}=${shellWords([value])}`);
  return [
    `${plan.name}  ${plan.scheme}://${SERVER_HOST}:${port}${bootstrap}${gpus}`,
    `  ${[...variables, shellWords(withoutSecrets([file, ...args]))].join(' ')}`,
    '',
  ];
}

function hostOf({ host }: Config): string {
  return host.includes(':') ? `[${host}]` : host;
}

function gpusText({ engine, launch, gpus, servers }: Planned): string {
  if (!usesGpus(engine, launch)) return 'none';
  const used = servers.reduce((sum, { plan }) => sum + plan.gpus.length, 0);
  return `${used} used, ${gpus ? `${gpus.count} there (${gpus.source})` : 'how many there are cannot be told'}`;
}

function usesGpus({ kind }: Engine, launch: LaunchConfig): boolean {
  return kind === 'sglang' && launch.device !== 'cpu';
}

function rowsOf(settings: readonly Setting[]): readonly Row[] {
  return settings.map(({ key, flag, value, origin: { kind, place } }) => {
    const passedOn = key in SERVER_OPTIONS && !TAKEN.has(key) && kind !== 'default';
    const from = kind === place ? kind : `${kind}: ${place}`;
    return {
      words: value === '' ? flag : `${flag} ${value}`,
      from: passedOn ? `${from}; the servers get it too` : from,
    };
  });
}

/** The user's own flags, each with its values, and ours. */
function serverRows({ launch: { serverArgs, servers }, settings }: Planned): readonly Row[] {
  const role = servers.regular > 0 ? '' : ' --disaggregation-mode …';
  const given: string[][] = [];
  for (const word of withoutSecrets(serverArgs)) {
    if (isFlag(word) || given.length === 0) given.push([word]);
    else given.at(-1)!.push(word);
  }
  return [
    ...given.map((words) => ({
      words: shellWords(words),
      from: settings.find(({ flag }) => flag === words[0])?.origin.place ?? 'command line',
    })),
    {
      words: `--host ${SERVER_HOST} --port … --dp-size 1 --base-gpu-id …${role}`,
      from: 'set by the launcher, for each its own',
    },
  ];
}

interface Row {
  readonly words: string;
  readonly from: string;
}

const WIDEST = 44;

function table(head: string, rows: readonly Row[]): readonly string[] {
  if (rows.length === 0) return [];
  const width = Math.min(WIDEST, Math.max(...rows.map(({ words }) => words.length)));
  return [`${head}:`, ...rows.map(({ words, from }) => `  ${words.padEnd(width)}  ${from}`), ''];
}

/** Whatever spelling put a key into the text. */
function hidingKeys({ config, launch }: Planned, text: string): string {
  let shown = text;
  const keys = [config.apiKey, launch.serverApiKey, ...config.controlPlaneApiKeys.map(({ key }) => key)];
  redacting(keys, (line) => {
    shown = line;
  })(text);
  return shown;
}
