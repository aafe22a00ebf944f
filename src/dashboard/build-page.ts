import { readFile } from 'node:fs/promises';
import { build } from 'esbuild';

const FOLDER = new URL('page/', import.meta.url);

/** Makes the files of the page from their sources: name → contents. Only where there are sources; the bundle has what it makes. */
export async function buildPage(): Promise<ReadonlyMap<string, Buffer>> {
  const { outputFiles } = await build({
    entryPoints: ['page.ts', 'page.css'].map((name) => new URL(name, FOLDER).pathname),
    bundle: true,
    // What draws plots is a file of its own, which the page loads once it shows something.
    splitting: true,
    chunkNames: '[name]',
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: ['chrome123', 'firefox120', 'safari17.5'],
    outdir: '/',
    legalComments: 'none',
    write: false,
    logLevel: 'warning',
  });
  const files = outputFiles.map(({ path, contents }) => [path.replace(/^.*[\\/]/, ''), Buffer.from(contents)] as const);
  return new Map([...files, ['index.html', await readFile(new URL('index.html', FOLDER))]]);
}
