import { access, readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { ExitError } from '../../../errors/errors.ts';

import type { Cluster } from './access.ts';

export type Env = Readonly<Record<string, string | undefined>>;

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The cluster that the kubeconfig names, else the one that this process runs in. Throws a usage error that tells where it looked. */
export async function findCluster(env: Env, serviceAccount = SERVICE_ACCOUNT): Promise<Cluster> {
  const named = (env.KUBECONFIG ?? '').split(delimiter).filter(Boolean);
  const home = join(env.HOME ?? homedir(), '.kube', 'config');
  if (named.length > 0) return await fromFiles(named, 'KUBECONFIG');
  if (await exists(home)) return await fromFiles([home], 'the kubeconfig');
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = env;
  if (host && (await exists(join(serviceAccount, 'token')))) return inCluster(host, port, serviceAccount);
  throw new ExitError('usage', '--service-discovery: no Kubernetes cluster found', {
    hint: [
      'looked for: KUBECONFIG (not set)',
      `${home} (not there)`,
      host
        ? `${join(serviceAccount, 'token')} (not there: does the pod have automountServiceAccountToken: false?)`
        : 'KUBERNETES_SERVICE_HOST, which every pod has (not set)',
    ].join('; '),
  });
}

/** The YAML parser is loaded only if there are such files. */
async function fromFiles(paths: readonly string[], what: string): Promise<Cluster> {
  const { readKubeconfig } = await import('./kubeconfig.ts');
  try {
    return await readKubeconfig(paths);
  } catch (error) {
    throw new ExitError('usage', `--service-discovery: ${what} ${paths.join(delimiter)}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function inCluster(host: string, port: string, folder: string): Cluster {
  return {
    server: new URL(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`),
    from: 'the service account of this pod',
    async access() {
      const [token, ca] = await Promise.all([
        readFile(join(folder, 'token'), 'utf8'),
        readFile(join(folder, 'ca.crt')),
      ]);
      return { headers: { authorization: `Bearer ${token.trim()}` }, tls: { ca } };
    },
  };
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
