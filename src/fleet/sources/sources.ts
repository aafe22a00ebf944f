import type { Config } from '../../config/options.ts';
import type { Log } from '../../observe/log/log.ts';
import { FileWorkers } from './file-workers.ts';
import { rolesOf, StaticWorkers } from './static-workers.ts';
import type { WorkerSource } from './worker-source.ts';

/** Something that can be closed. */
export interface Closable {
  close(): void;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Opens the configured sources of workers, in order of precedence. Throws a usage error if one cannot be opened. */
export async function openSources(config: Config, env: Env, log: Log): Promise<readonly WorkerSource[]> {
  const { workersFile: path, apiKey, serviceDiscovery, workerDns } = config;
  const sources: WorkerSource[] = [new StaticWorkers(config)];
  if (path !== undefined) sources.push(await FileWorkers.open({ path, apiKey, roles: rolesOf(config), env }, log));
  if (serviceDiscovery) sources.push(await (await import('./kubernetes/open.ts')).openKubernetes(config, env, log));
  if (workerDns.length > 0)
    sources.push(new (await import('./dns/dns-workers.ts')).DnsWorkers({ names: workerDns, apiKey }, log));
  return sources;
}

/** Calls `tell` with the URLs of the configured routers, at each change. Throws a usage error if they cannot be found. */
export async function followRouters(
  config: Config,
  env: Env,
  tell: (urls: readonly string[]) => void,
  log: Log,
): Promise<Closable | undefined> {
  const { peerUrls, peerSelector, serviceDiscovery } = config;
  tell(peerUrls);
  if (!serviceDiscovery || peerSelector.length === 0) return undefined;
  const { openRouterPods } = await import('./kubernetes/open.ts');
  return openRouterPods(config, env, (pods) => tell([...peerUrls, ...pods]), log);
}
