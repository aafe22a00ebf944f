import type { Config } from '../config/options.ts';
import { inFlagsOfLaunch } from '../config/vocabulary.ts';
import { ExitError } from '../errors/errors.ts';
import { listenError } from '../http/edge/listen-error.ts';
import { portsFor } from '../launch/plan.ts';
import { listenProblem } from '../os/listenable.ts';
import { portHolder } from '../os/port-holder.ts';
import { type Finding, ok, problem, type Subject, warning } from './check.ts';

/** Why the router could not listen where it is to, as its start would say; undefined where it can. */
export async function routerPortError({ host, port }: Config): Promise<ExitError | undefined> {
  const error = await listenProblem(host, port);
  return error && listenError(error, host, port);
}

/** The router's port, that of its metrics, and those of the servers. */
export async function checkPorts({ config, launch }: Subject): Promise<readonly Finding[]> {
  return [await routerFinding(config), await metricsFinding(config), await serversFinding(launch)].flat();
}

async function routerFinding(config: Config): Promise<Finding> {
  const error = await routerPortError(config);
  if (error) return problem(error.message, error.hint && inFlagsOfLaunch(error.hint), { port: config.port });
  return ok(`${config.host}:${config.port} is free for the router`, { port: config.port });
}

/** Taken it ends nothing: metrics are on the main port too. */
async function metricsFinding({ prometheusHost, prometheusPort }: Config): Promise<readonly Finding[]> {
  if (prometheusPort === 0) return [];
  const error = await listenProblem(prometheusHost, prometheusPort);
  if (!error) return [];
  const { message } = await listenError(error, prometheusHost, prometheusPort);
  return [warning(`metrics are on the main port alone: ${message}`, 'choose another --router-prometheus-port')];
}

async function serversFinding(launch: Subject['launch']): Promise<Finding> {
  const { regular, prefill, decode } = launch.servers;
  // With --dp-size auto on a machine whose GPUs cannot be counted.
  const servers = Number.isFinite(regular) ? launch.servers : { ...launch.servers, regular: 1 };
  try {
    const ports = await portsFor({ ...launch, servers });
    const count = servers.regular + 2 * prefill + decode;
    const free: number[] = [];
    while (free.length < count) free.push(await ports.next());
    const skipped = await takenBetween(launch.workerBasePort, free.at(-1)!, free);
    return ok(`${rangeText(free)} ${count === 1 ? 'is' : 'are'} free for the servers${skipped}`, { ports: free });
  } catch (error) {
    if (!(error instanceof ExitError)) throw error;
    return problem(error.message, error.hint);
  }
}

/** Those that the servers pass over: the first is named with its holder. */
async function takenBetween(first: number, last: number, free: readonly number[]): Promise<string> {
  const taken = Array.from({ length: last - first + 1 }, (_, index) => first + index).filter(
    (port) => !free.includes(port),
  );
  const [one] = taken;
  if (one === undefined) return '';
  const holder = (await portHolder(one)) ?? 'another launch or program';
  return `; ${one} is held by ${holder}${taken.length > 1 ? `, and ${taken.length - 1} others are taken too` : ''}`;
}

/** `31000`, `31000-31003`, `31000, 31002`. */
function rangeText(ports: readonly number[]): string {
  const [first = 0] = ports;
  const last = ports.at(-1) ?? first;
  if (ports.length === 1) return `${first}`;
  return last - first === ports.length - 1 ? `${first}-${last}` : ports.join(', ');
}
