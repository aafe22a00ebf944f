import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { document } from '../src/config/document.ts';
import { changedDefaults, pythonFields } from '../src/config/python.ts';
import { smgDocument } from '../src/config/smg.ts';
import { SNAPSHOT } from '../src/dashboard/snapshot.ts';
import { document as paths } from '../src/http/endpoints-document.ts';
import { document as metrics } from '../src/observe/metrics/document.ts';
import { renderSimOptions } from '../src/sim/options.ts';

/** Every committed file that is generated, wholly or from a marker on → its text, given what is there. */
const FILES: Readonly<Record<string, (before: string) => string>> = {
  'docs/metrics.md': metrics,
  'docs/migrating-from-smg.md': smgDocument,
  'docs/migrating.md': (before) => before.replace(/(?<=\n<!-- Generated .* -->\n\n).*/s, changedDefaults),
  'docs/options.md': document,
  'docs/paths.md': paths,
  'docs/ps.schema.json': () => `${JSON.stringify(SNAPSHOT, null, 2)}\n`,
  'python/sglang_router/_fields.py': pythonFields,
  'docs/simulated-engine.md': (before) => before.replace(/(?<=\n<!-- Generated .* -->\n\n).*/s, renderSimOptions),
};

const check = process.argv.includes('--check');
for (const [name, generate] of Object.entries(FILES)) {
  const path = fileURLToPath(new URL(`../${name}`, import.meta.url));
  const before = await readFile(path, 'utf8').catch(() => '');
  const text = generate(before);
  if (!check) await writeFile(path, text);
  else if (before !== text) {
    console.error(`${name} is not what the sources give: run npm run generate`);
    process.exitCode = 1;
  }
}
