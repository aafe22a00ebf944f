/** The path of a request line, without query string and, where a client sends them, scheme and host. */
export function pathOf(url: string): string {
  const query = url.indexOf('?');
  const path = query < 0 ? url : url.slice(0, query);
  return path.startsWith('/') || !URL.canParse(path) ? path : new URL(path).pathname;
}
