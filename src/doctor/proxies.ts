import { BlockList, isIPv4 } from 'node:net';
import { type Finding, ok, problem, type Subject } from './check.ts';

const PROXIES = ['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'];
const LOOPBACK = ['127.0.0.1', 'localhost'];

/** A proxy for everything takes what is meant for this machine: SGLang's warm-up asks its own server through it, and fails. */
export async function checkProxies({ env }: Subject): Promise<readonly Finding[]> {
  const set = PROXIES.filter((name) => env[name]);
  if (set.length === 0) return [ok('none is set')];
  const exceptions = `${env.no_proxy ?? ''},${env.NO_PROXY ?? ''}`;
  const caught = LOOPBACK.filter((host) => !isExcepted(host, exceptions));
  const names = set.map((name) => `${name}=${withoutPassword(env[name] ?? '')}`).join(' ');
  const about = { variables: set, caught };
  if (caught.length === 0) return [ok(`${names}, not for this machine itself (no_proxy)`, about)];
  const both = caught.join(' and ');
  return [
    problem(
      `${names} takes what goes to ${both} too: a server's warm-up and clients on this machine do not reach the servers`,
      `export no_proxy=${[env.no_proxy, ...caught].filter(Boolean).join(',')} NO_PROXY=${[env.NO_PROXY, ...caught].filter(Boolean).join(',')}`,
      about,
    ),
  ];
}

/** By its name, as part of a network, or by `*`. */
function isExcepted(host: string, exceptions: string): boolean {
  return exceptions
    .split(',')
    .map((entry) => entry.trim().replace(/^\./, ''))
    .some((entry) => entry === '*' || entry === host || entry.replace(/:\d+$/, '') === host || isIn(host, entry));
}

function isIn(host: string, network: string): boolean {
  const [, address = '', bits = ''] = /^([\d.]+)\/(\d+)$/.exec(network) ?? [];
  if (!isIPv4(host) || !isIPv4(address) || Number(bits) > 32) return false;
  const list = new BlockList();
  list.addSubnet(address, Number(bits));
  return list.check(host);
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^/\s]*@/, '//***@');
}
