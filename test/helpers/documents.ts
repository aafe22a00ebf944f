import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

/** The README and every page of docs, by their paths below the root. */
export function documents(): readonly { readonly path: string; readonly text: string }[] {
  const pages = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name));
  return ['README.md', ...pages.sort()].map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}
