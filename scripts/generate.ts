import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { document } from '../src/config/document.ts';

/** Every generated file that is committed → its text. */
const FILES: Readonly<Record<string, () => string>> = {
  'docs/options.md': document,
};

const check = process.argv.includes('--check');
for (const [name, generate] of Object.entries(FILES)) {
  const path = fileURLToPath(new URL(`../${name}`, import.meta.url));
  const text = generate();
  if (!check) await writeFile(path, text);
  else if ((await readFile(path, 'utf8').catch(() => '')) !== text) {
    console.error(`${name} is not what the sources give: run npm run generate`);
    process.exitCode = 1;
  }
}
