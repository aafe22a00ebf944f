/** The path of a request line, without query string and, where a client sends them, scheme and host. */
export function pathOf(url: string): string {
  const query = url.indexOf('?');
  const path = query < 0 ? url : url.slice(0, query);
  return path.startsWith('/') || !URL.canParse(path) ? path : new URL(path).pathname;
}

/** Turns `http://host/path` of a request line into `/path`, as the router chooses the host. */
export function originForm(url: string): string {
  if (url.startsWith('/')) return url;
  const rest = url.replace(/^[^/?#]*\/\/[^/?#]*/, '');
  if (rest === url) return '/';
  return rest.startsWith('/') ? rest : `/${rest}`;
}
