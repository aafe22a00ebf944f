import type { Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';

/** What a name resolves to now. */
export interface Addresses {
  /** `HOST:PORT`, IPv6 in brackets. */
  readonly endpoints: readonly string[];
  /** How long the answer is valid; undefined if it did not say. */
  readonly ttlSecs: number | undefined;
}

/** Codes of an answer that the name does not exist, in contrast to no answer. */
const ABSENT = new Set(['ENOTFOUND', 'ENODATA', 'NXDOMAIN']);
const RESOLV_CONF = '/etc/resolv.conf';

/** Asks for the addresses of `NAME:PORT`, or the SRV records of `NAME`. Empty where the DNS says that there are none; rejects when it does not answer. */
export async function lookUp(resolver: Resolver, name: string, searchIn = RESOLV_CONF): Promise<Addresses> {
  const [, host = name, port] = /^(.*):(\d+)$/.exec(name) ?? [];
  for (const candidate of await candidatesOf(host, searchIn)) {
    const found = port === undefined ? await services(resolver, candidate) : await hosts(resolver, candidate, port);
    if (found.endpoints.length > 0) return found;
  }
  return { endpoints: [], ttlSecs: undefined };
}

async function services(resolver: Resolver, name: string): Promise<Addresses> {
  const records = (await orNone(resolver.resolveSrv(name))).sort((a, b) => a.priority - b.priority);
  return merge(await Promise.all(records.map((record) => hosts(resolver, record.name, String(record.port)))));
}

async function hosts(resolver: Resolver, name: string, port: string): Promise<Addresses> {
  const [v4, v6] = await Promise.all([
    orNone(resolver.resolve4(name, { ttl: true })),
    orNone(resolver.resolve6(name, { ttl: true })),
  ]);
  // A server with both kinds of address counts once.
  const records = v4.length > 0 ? v4 : v6;
  return merge(
    records.map(({ address, ttl }) => ({
      endpoints: [`${isIPv6(address) ? `[${address}]` : address}:${port}`],
      ttlSecs: ttl,
    })),
  );
}

function merge(parts: readonly Addresses[]): Addresses {
  const ttls = parts.flatMap(({ ttlSecs }) => ttlSecs ?? []);
  return {
    endpoints: parts.flatMap(({ endpoints }) => endpoints),
    ttlSecs: ttls.length > 0 ? Math.min(...ttls) : undefined,
  };
}

async function orNone<T>(records: Promise<T[]>): Promise<T[]> {
  return await records.catch((error: NodeJS.ErrnoException) => {
    if (ABSENT.has(error.code ?? '')) return [];
    throw error;
  });
}

/** The names to try: node's resolver ignores search domains, which come first for a name with few dots. */
async function candidatesOf(name: string, path: string): Promise<readonly string[]> {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const text = await readFile(path, 'utf8').catch(() => '');
  const domains = (/^search\s+(.*)$/m.exec(text)?.[1] ?? '').split(/\s+/).filter((domain) => domain && domain !== '.');
  const fewest = Number(/^options\s.*\bndots:(\d+)/m.exec(text)?.[1] ?? 1);
  const within = domains.map((domain) => `${name}.${domain.replace(/\.$/, '')}`);
  return name.split('.').length > fewest ? [name, ...within] : [...within, name];
}
