/** What metrics and traces call a path that no template fits. */
export const OTHER_ROUTE = 'other';

/** A path → the template it fits, so that whoever counts by path has few names. `{…}` stands for any one segment. */
export type RouteLabel = (path: string) => string;

export function createRouteLabel(templates: readonly string[]): RouteLabel {
  const exact = new Set(templates.filter((template) => !template.includes('{')));
  const patterns = templates
    .filter((template) => template.includes('{'))
    .map((template) => [template, new RegExp(`^${template.replaceAll(/\{[^}]*\}/g, '[^/]+')}$`)] as const);
  return (path) => (exact.has(path) ? path : (patterns.find(([, pattern]) => pattern.test(path))?.[0] ?? OTHER_ROUTE));
}
