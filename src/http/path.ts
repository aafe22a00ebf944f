/** The path of a request line, without query string and, where a client sends them, scheme and host. */
export function pathOf(url: string): string {
  const target = originForm(url);
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}

/** The query string of a request line with its `?`, or nothing. */
export function searchOf(url: string): string {
  const query = url.indexOf('?');
  return query < 0 ? '' : url.slice(query);
}

/** Turns `http://host/path` of a request line into `/path`, as the router chooses the host. Byte for byte, so that routing and the worker read one path. */
export function originForm(url: string): string {
  if (url.startsWith('/')) return url;
  const rest = url.replace(/^[^/?#]*\/\/[^/?#]*/, '');
  if (rest === url) return '/';
  return rest.startsWith('/') ? rest : `/${rest}`;
}
