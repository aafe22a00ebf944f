import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/** A file of the page, as it is answered. */
interface PageFile {
  readonly type: string;
  readonly bytes: Buffer;
  readonly etag: string;
}

/** Files of the page → media type. */
const TYPES: Readonly<Record<string, string>> = {
  'index.html': 'text/html; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
  'uPlot.esm.js': 'text/javascript; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
};

/** Nothing from elsewhere, no script but that of the page, and in nobody's frame. */
export const PAGE_HEADERS = [
  'content-security-policy',
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; " +
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'x-content-type-options',
  'nosniff',
  'referrer-policy',
  'no-referrer',
  'cross-origin-opener-policy',
  'same-origin',
  'cross-origin-resource-policy',
  'same-origin',
];

let files: Promise<ReadonlyMap<string, PageFile>> | undefined;

/** A file of the page; undefined where there is none of that name. */
export async function pageFile(name: string): Promise<PageFile | undefined> {
  if (!Object.hasOwn(TYPES, name)) return undefined;
  files ??= load();
  // So that the next request tries again.
  files.catch(() => {
    files = undefined;
  });
  return (await files).get(name);
}

/** They lie beside the bundle; a program that runs from its sources makes them. */
async function load(): Promise<ReadonlyMap<string, PageFile>> {
  const contents = import.meta.url.endsWith('.ts') ? await built() : await read();
  return new Map(
    Array.from(contents, ([name, bytes]) => {
      const etag = `"${createHash('sha256').update(bytes).digest('base64url')}"`;
      return [name, { type: TYPES[name]!, bytes, etag }] as const;
    }),
  );
}

async function built(): Promise<ReadonlyMap<string, Buffer>> {
  const { buildPage } = await import('./build-page.ts');
  return buildPage();
}

async function read(): Promise<ReadonlyMap<string, Buffer>> {
  const names = Object.keys(TYPES);
  const folder = new URL('dashboard/', import.meta.url);
  return new Map(await Promise.all(names.map(async (name) => [name, await readFile(new URL(name, folder))] as const)));
}
