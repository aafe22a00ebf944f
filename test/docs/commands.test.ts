import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseBenchOptions } from '../../src/bench/options.ts';
import { COMPLETION } from '../../src/cli/completion.ts';
import { DOCTOR } from '../../src/cli/doctor.ts';
import { LOGS } from '../../src/cli/logs.ts';
import { PS } from '../../src/cli/ps.ts';
import { RESTART } from '../../src/cli/restart.ts';
import { parseSmall, type SmallCommand } from '../../src/cli/small-command.ts';
import { TOP } from '../../src/cli/top.ts';
import { gatherServer, resolveServer } from '../../src/config/launch.ts';
import { gatherRouter, resolveRouter } from '../../src/config/resolve.ts';
import { parseSimOptions } from '../../src/sim/parse-options.ts';
import { documents } from '../helpers/documents.ts';

/** Reads the words of a command as the command does; throws where it would refuse them. */
type Read = (words: readonly string[]) => unknown;

const small = (command: SmallCommand) => (words: readonly string[]) => parseSmall(command, words);
const ownOfDoctor = new Set(DOCTOR.flags.map(([flag]) => flag));

const COMMANDS: Readonly<Record<string, Read>> = {
  server: async (words) => {
    const { launch } = await resolveServer(words, {});
    if (launch.sim) parseSimOptions(launch.serverArgs);
  },
  router: (words) => resolveRouter(words, {}),
  'sim-engine': parseSimOptions,
  bench: (words) => parseSimOptions(parseBenchOptions(words).engineFlags),
  config: ([about = '', ...words]) =>
    about === 'router' ? gatherRouter(words, {}) : gatherServer(about === 'server' ? words : [about, ...words], {}),
  doctor: (words) =>
    gatherServer(
      words.filter((word) => !ownOfDoctor.has(word)),
      {},
    ),
  completion: small(COMPLETION),
  logs: small(LOGS),
  restart: small(RESTART),
  ps: small(PS),
  top: small(TOP),
};

const PROGRAM =
  /^\s*(?:\$ )?(?:[A-Z_]+=\S+ )*(sglang-launch|sglang-router|python -m sglang_router\.launch_(?:server|router)|node src\/main\.ts) *(.*)$/;

/** The commands of this program in the blocks of a page: the name of each and its words. */
function commandsOf(
  text: string,
): { readonly line: string; readonly name: string; readonly words: readonly string[] }[] {
  const blocks = text.replaceAll(/ *\\\n */g, ' ').matchAll(/^```\w*\n(.*?)^```|^(?: {4}.*\n)+/gms);
  const lines = [...blocks].flatMap(([block, fenced]) => (fenced ?? block).split('\n'));
  return lines.flatMap((line) => {
    const [, program = '', rest = ''] = PROGRAM.exec(line) ?? [];
    // What follows a comment or a pipe is another's, and an ellipsis stands for more of the same.
    const plain = rest.replace(/(?:^|\s+)[#|>].*$/, '').replaceAll(' … ', ' ');
    const words = [...plain.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word = '']) => quoted ?? word);
    const first = words[0] ?? '';
    if (program === '') return [];
    if (program.endsWith('launch_server')) return [{ line, name: 'server', words }];
    if (program.endsWith('launch_router')) return [{ line, name: 'router', words }];
    return [first.startsWith('-') ? { line, name: 'server', words } : { line, name: first, words: words.slice(1) }];
  });
}

const PAGES = documents();

test('files that the commands of the docs name are those that the docs show', () => {
  const folder = mkdtempSync(join(tmpdir(), 'docs-'));
  for (const { text } of PAGES) {
    for (const [, name = '', yaml = ''] of text.matchAll(/^```yaml\n# (\w+\.yaml)\n(.*?)^```/gms)) {
      writeFileSync(join(folder, name), yaml);
    }
  }
  mkdirSync(join(folder, 'mine'));
  writeFileSync(join(folder, 'mine/engine.json'), '{"flags": {}}');
  process.chdir(folder);
});

for (const { path, text } of PAGES) {
  for (const { line, name, words } of commandsOf(text)) {
    test(`${path}: ${line.trim()}`, async () => {
      const read = COMMANDS[name];
      assert.ok(read, `no such command: ${name}`);
      await read(words);
    });
  }
}

test('the pages have commands', () => {
  assert.ok(PAGES.flatMap(({ text }) => commandsOf(text)).length > 50);
});
