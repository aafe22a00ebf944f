import type { Config } from '../../../config/options.ts';
import type { Log } from '../../../observe/log/log.ts';
import type { Role } from '../../worker-spec.ts';
import { rolesOf } from '../static-workers.ts';
import type { WorkerSource } from '../worker-source.ts';
import { type Env, findCluster } from './cluster.ts';
import { KubernetesWorkers } from './kubernetes-workers.ts';
import { RouterPods } from './router-pods.ts';

/** The workers of a cluster. Import this module only with `--service-discovery`. Throws a usage error where there is no cluster. */
export async function openKubernetes(config: Config, env: Env, log: Log): Promise<WorkerSource> {
  const cluster = await findCluster(env);
  const { serviceDiscoveryNamespace: namespace, serviceDiscoveryPort: port, bootstrapPortAnnotation, apiKey } = config;
  const naming = { port, bootstrapAnnotation: bootstrapPortAnnotation, apiKey, roles: rolesOf(config) };
  log.info('workers are found in Kubernetes', { server: cluster.server.href, from: cluster.from });
  return new KubernetesWorkers({ cluster, namespace, selectors: selectorsOf(config), naming }, log);
}

/** The pods of the routers, as `RouterPods` has them. */
export async function openRouterPods(
  { serviceDiscoveryNamespace, peerNamespace: namespace = serviceDiscoveryNamespace, peerSelector, port }: Config,
  env: Env,
  tell: (urls: readonly string[]) => void,
  log: Log,
): Promise<RouterPods> {
  const selector = peerSelector.join(',');
  log.info('other routers are found in Kubernetes', { selector, namespace: namespace ?? 'all of them' });
  return new RouterPods({ cluster: await findCluster(env), namespace, selector, port }, tell, log);
}

function selectorsOf({ pdDisaggregation, selector, prefillSelector, decodeSelector }: Config) {
  const selectors: readonly (readonly [Role, readonly string[]])[] = pdDisaggregation
    ? [
        ['prefill', prefillSelector],
        ['decode', decodeSelector],
      ]
    : [['regular', selector]];
  return new Map(selectors.map(([role, requirements]) => [role, requirements.join(',')]));
}
