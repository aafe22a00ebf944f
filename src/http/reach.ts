import { existsSync, readFileSync } from 'node:fs';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';

type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/** URLs of a listener on every address for other machines; none for one on a single address. */
export function networkUrls(
  url: string,
  host: string,
  interfaces: Interfaces = networkInterfaces(),
): readonly string[] {
  if (host !== '0.0.0.0' && host !== '::') return [];
  const { protocol, port } = new URL(url);
  return addressesOf(interfaces, host === '::').map((address) => {
    const written = address.includes(':') ? `[${address}]` : address;
    return `${protocol}//${written}${port === '' ? '' : `:${port}`}`;
  });
}

/** The addresses of this machine that others can use, without link-local ones. */
export function addressesOf(interfaces: Interfaces, six: boolean): readonly string[] {
  return Object.values(interfaces)
    .flatMap((all) => all ?? [])
    .filter(({ internal, family, address }) => !internal && (family === 'IPv4' || (six && !/^fe[89ab]/i.test(address))))
    .map(({ address }) => address);
}

/** Signs of a container: files of Docker and Podman, variables, names of control groups. */
export interface ContainerSigns {
  readonly env: NodeJS.ProcessEnv;
  readonly exists: (path: string) => boolean;
  readonly cgroup: () => string;
}

const THIS: ContainerSigns = { env: process.env, exists: existsSync, cgroup: readCgroup };

/** A warning for a router that listens only on loopback inside a container; undefined otherwise. */
export function unreachable(host: string, signs = THIS): string | undefined {
  if (!isLoopback(host) || !inContainer(signs)) return undefined;
  return `${host} inside a container cannot be reached from outside, as a rule, whatever ports are published; --host 0.0.0.0 can`;
}

/** Whether only this machine reaches a listener on that host. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

function inContainer({ env, exists, cgroup }: ContainerSigns): boolean {
  if (env.KUBERNETES_SERVICE_HOST || env.container) return true;
  if (exists('/.dockerenv') || exists('/run/.containerenv')) return true;
  return /docker|kubepods|containerd|libpod|lxc/.test(cgroup());
}

function readCgroup(): string {
  try {
    return readFileSync('/proc/1/cgroup', 'utf8');
  } catch {
    return '';
  }
}
