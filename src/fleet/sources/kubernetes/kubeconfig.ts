import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Cluster, ClusterAccess } from './access.ts';
import { type ExecConfig, ExecCredential } from './exec-credential.ts';

interface Named {
  readonly name?: string;
}
interface ClusterEntry {
  readonly server?: string;
  readonly 'certificate-authority'?: string;
  readonly 'certificate-authority-data'?: string;
  readonly 'insecure-skip-tls-verify'?: boolean;
  readonly 'tls-server-name'?: string;
  readonly 'proxy-url'?: string;
}
interface UserEntry {
  readonly token?: string;
  readonly tokenFile?: string;
  readonly 'client-certificate'?: string;
  readonly 'client-certificate-data'?: string;
  readonly 'client-key'?: string;
  readonly 'client-key-data'?: string;
  readonly username?: string;
  readonly password?: string;
  readonly exec?: ExecConfig;
  readonly 'auth-provider'?: { readonly name?: string };
}
interface Kubeconfig {
  readonly 'current-context'?: string;
  readonly clusters?: readonly (Named & { readonly cluster?: ClusterEntry })[];
  readonly contexts?: readonly (Named & { readonly context?: { readonly cluster?: string; readonly user?: string } })[];
  readonly users?: readonly (Named & { readonly user?: UserEntry })[];
}

/** An entry, and the folder to which its paths are relative. */
interface Located<T> {
  readonly entry: T;
  readonly folder: string;
}

interface LoadedFile {
  readonly config: Kubeconfig;
  readonly folder: string;
}

/** The cluster of the current context; of several files the first that has an entry counts, as with kubectl. Throws for what cannot be used. */
export async function readKubeconfig(paths: readonly string[]): Promise<Cluster> {
  const files = await Promise.all(paths.map(readOne));
  const current = files.find(({ config }) => config['current-context'])?.config['current-context'];
  if (current === undefined) throw new Error('there is no current-context (kubectl config use-context NAME sets it)');
  const context = find(
    files,
    current,
    'context',
    ({ contexts }) => contexts,
    ({ context }) => context,
  ).entry;
  const cluster = find(
    files,
    context.cluster,
    'cluster',
    ({ clusters }) => clusters,
    ({ cluster }) => cluster,
  );
  const user = context.user
    ? find(
        files,
        context.user,
        'user',
        ({ users }) => users,
        ({ user }) => user,
      )
    : undefined;
  const { server } = cluster.entry;
  if (!server || !URL.canParse(server)) throw new Error(`cluster ${context.cluster} has no server that is a URL`);
  refuseUnsupported(cluster.entry, user?.entry);
  const exec = user?.entry.exec && new ExecCredential(user.entry.exec, user.folder, cluster.entry);
  return {
    server: new URL(server),
    from: `context ${current} of ${paths.join(', ')}`,
    access: async (refused) => accessOf(cluster, user, await exec?.get(refused)),
  };
}

async function readOne(path: string): Promise<LoadedFile> {
  // Loaded only here: in a pod there is no such file.
  const { readYaml } = await import('../../../config/yaml.ts');
  const config = readYaml(await readFile(path, 'utf8'));
  if (typeof config !== 'object' || config === null) throw new Error('it is not a kubeconfig');
  return { config, folder: dirname(resolve(path)) };
}

function find<E extends Named, T>(
  files: readonly LoadedFile[],
  name: string | undefined,
  what: string,
  list: (config: Kubeconfig) => readonly E[] | undefined,
  inner: (item: E) => T | undefined,
): Located<T> {
  for (const { config, folder } of files) {
    const item = list(config)?.find((one) => one.name === name);
    const entry = item && inner(item);
    if (entry) return { entry, folder };
  }
  throw new Error(`there is no ${what} '${name}'`);
}

function refuseUnsupported(cluster: ClusterEntry, user: UserEntry | undefined): void {
  const provider = user?.['auth-provider'];
  if (provider) {
    throw new Error(
      `the auth-provider ${provider.name} is not supported; use an exec plugin, such as kubelogin for OIDC`,
    );
  }
  if (cluster['proxy-url']) throw new Error('proxy-url is not supported');
}

async function accessOf(
  { entry: cluster, folder }: Located<ClusterEntry>,
  user: Located<UserEntry> | undefined,
  credential: Awaited<ReturnType<ExecCredential['get']>> | undefined,
): Promise<ClusterAccess> {
  const { entry = {}, folder: home = folder } = user ?? {};
  const [ca, cert, key, token] = await Promise.all([
    fileOrData(folder, cluster['certificate-authority'], cluster['certificate-authority-data']),
    credential?.cert ?? fileOrData(home, entry['client-certificate'], entry['client-certificate-data']),
    credential?.key ?? fileOrData(home, entry['client-key'], entry['client-key-data']),
    credential?.token ?? tokenOf(home, entry),
  ]);
  const servername = cluster['tls-server-name'];
  const basic = entry.username && Buffer.from(`${entry.username}:${entry.password}`).toString('base64');
  const authorization = token ? `Bearer ${token}` : basic && `Basic ${basic}`;
  return {
    headers: authorization ? { authorization } : {},
    tls: {
      ...(ca && { ca }),
      ...(cert && { cert }),
      ...(key && { key }),
      ...(servername && { servername }),
      ...(cluster['insecure-skip-tls-verify'] && { rejectUnauthorized: false }),
    },
  };
}

async function tokenOf(folder: string, { token, tokenFile }: UserEntry): Promise<string | undefined> {
  return tokenFile ? (await readFile(resolve(folder, tokenFile), 'utf8')).trim() : token;
}

async function fileOrData(folder: string, path?: string, data?: string): Promise<Buffer | undefined> {
  if (data) return Buffer.from(data, 'base64');
  return path ? await readFile(resolve(folder, path)) : undefined;
}
