/** Rewrites a `Location` that points to the worker itself, whose URL is `worker`, to a path on the router; any other stays. */
export function clientLocation(location: string, worker: string): string {
  const { origin, pathname } = new URL(worker);
  const base = pathname === '/' ? '' : pathname;
  const isOwn = location.startsWith(origin) && /^(?:$|[/?#])/.test(location.slice(origin.length));
  if (!isOwn && !location.startsWith('/')) return location;
  const path = isOwn ? location.slice(origin.length) : location;
  if (path.startsWith('//')) return location;
  const rest = base !== '' && (path === base || path.startsWith(`${base}/`)) ? path.slice(base.length) : path;
  return rest.startsWith('/') ? rest : `/${rest}`;
}
