import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile } from 'esbuild';
import { pythonOptions } from '../src/config/python.ts';
import { buildPage } from '../src/dashboard/build-page.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
/** Into the Python package, or the folder that is given. */
const OUT = process.argv[2] ?? join(ROOT, 'python/sglang_router/_js');

/** Packages written in CommonJS call `require` for Node's own modules, which a module of ours does not have. */
const REQUIRE =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

const { metafile, outputFiles } = await bundle();
const page = await buildPage();
// Only now, so that a failing build leaves the last one in place.
await rm(OUT, { recursive: true, force: true });
await mkdir(OUT, { recursive: true });
await Promise.all(outputFiles.map(({ path, contents }) => writeFile(path, contents)));
await mkdir(join(OUT, 'dashboard'));
await Promise.all(Array.from(page, ([name, bytes]) => writeFile(join(OUT, 'dashboard', name), bytes)));
await writeFile(join(OUT, 'options.json'), `${JSON.stringify(pythonOptions(), null, 1)}\n`);
await writeFile(join(OUT, 'THIRD-PARTY-LICENSES.txt'), await licenses(metafile, ['node_modules/uplot']));
report(metafile);

/** main.mjs and its chunks, all in one folder: commands are loaded when they run, and files beside the bundle are found. */
async function bundle() {
  return await build({
    absWorkingDir: ROOT,
    entryPoints: { main: 'src/main.ts', 'data-thread': 'src/router/threads/data-thread.ts' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'esnext',
    outdir: OUT,
    outExtension: { '.js': '.mjs' },
    chunkNames: '[name]-[hash]',
    banner: { js: REQUIRE },
    // It makes the page where the program runs from its sources.
    external: ['esbuild'],
    legalComments: 'none',
    metafile: true,
    write: false,
    logLevel: 'warning',
  });
}

/** The licence texts of every package in the bundle, and of `others`. */
async function licenses({ inputs }: Metafile, others: readonly string[]): Promise<string> {
  const packages = new Set<string>(others);
  for (const input of Object.keys(inputs)) {
    const [folder] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input) ?? [];
    if (folder) packages.add(folder);
  }
  const texts = await Promise.all([...packages].sort().map(licenseOf));
  return `Parts of these packages are in this folder, under the licences below.\n${texts.join('')}`;
}

async function licenseOf(folder: string): Promise<string> {
  const { name, version, license } = JSON.parse(await readFile(join(ROOT, folder, 'package.json'), 'utf8'));
  const file = (await readdir(join(ROOT, folder))).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file ? await readFile(join(ROOT, folder, file), 'utf8') : 'The package has no licence file.';
  return `\n${'='.repeat(100)}\n${name} ${version} (${license})\n\n${text.trim()}\n`;
}

function report({ outputs }: Metafile): void {
  const bytes = Object.values(outputs).reduce((sum, output) => sum + output.bytes, 0);
  console.log(`${OUT}: ${Object.keys(outputs).length} modules, ${Math.round(bytes / 1024)} KB`);
}
