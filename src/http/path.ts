/** The path of a request line, without query string and, where a client sends them, scheme and host. */
export function pathOf(url: string): string {
  const query = url.indexOf('?');
  const path = query < 0 ? url : url.slice(0, query);
  return path.startsWith('/') || !URL.canParse(path) ? path : new URL(path).pathname;
}

/** `http://host/path` in a request line means `/path` here: the worker is ours to choose. */
export function originForm(url: string): string {
  if (url.startsWith('/')) return url;
  const rest = url.replace(/^[^/?#]*\/\/[^/?#]*/, '');
  if (rest === url) return '/';
  return rest.startsWith('/') ? rest : `/${rest}`;
}
