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
import { COMMANDS, strayCommands } from '../helpers/documented-commands.ts';
import { documents } from '../helpers/documents.ts';

/** Reads the words of a command as the command does; throws where it would refuse them. */
type Read = (words: readonly string[]) => unknown;

const small = (command: SmallCommand) => (words: readonly string[]) => parseSmall(command, words);
const ownOfDoctor = new Set(DOCTOR.flags.map(([flag]) => flag));

const READERS: Readonly<Record<string, Read>> = {
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
  /^(?:[A-Z_]+=\S+ )*(sglang-launch|sglang-router|python -m sglang_router\.launch_(?:server|router)|node src\/main\.ts) *(.*)$/;

/** The commands of this program in what a page tells to run: the name of each and its words. */
function ownCommandsIn(text: string): readonly { readonly name: string; readonly words: readonly string[] }[] {
  return text.split('\n').flatMap((line) => {
    const [, program = '', rest = ''] = PROGRAM.exec(line) ?? [];
    if (program === '') return [];
    // What follows a pipe is another's.
    const words = [...rest.replace(/\s+[|>&].*$/, '').matchAll(/"([^"]*)"|(\S+)/g)].map(
      ([, quoted, word = '']) => quoted ?? word,
    );
    const first = words[0] ?? '';
    if (program.endsWith('launch_server')) return [{ name: 'server', words }];
    if (program.endsWith('launch_router')) return [{ name: 'router', words }];
    return [first.startsWith('-') ? { name: 'server', words } : { name: first, words: words.slice(1) }];
  });
}

const PAGES = documents();
const OWN = COMMANDS.flatMap(({ page, text }) => ownCommandsIn(text).map((own) => ({ ...own, page, text })));

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

for (const { page, text, name, words } of OWN) {
  test(`${page}: ${text}`, async () => {
    const read = READERS[name];
    assert.ok(read, `no such command: ${name}`);
    await read(words);
  });
}

test('the pages have commands', () => {
  assert.ok(OWN.length > 50);
});

for (const { path, text } of PAGES) {
  test(`${path} has no command where no test would find it`, () => {
    assert.deepEqual(strayCommands(text), []);
  });
}
