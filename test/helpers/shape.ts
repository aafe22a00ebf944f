/** The fields of a JSON value in order, each with the type of its value; of a list its first item. */
export function shapeOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) {
    if (value.length === 0) return [`${path}: []`];
    if (value.every((item) => typeof item === 'number')) return [`${path}: number[]`];
    return shapeOf(value[0], `${path}[]`);
  }
  if (typeof value !== 'object') return [`${path}: ${typeof value}`];
  if (value === null) return [`${path}: null`];
  const fields = Object.entries(value);
  if (fields.length === 0) return [`${path}: {}`];
  return fields.flatMap(([name, inner]) => shapeOf(inner, path === '' ? name : `${path}.${name}`));
}
