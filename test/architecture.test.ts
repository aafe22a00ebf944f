import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { test } from 'node:test';

/**
 * Who may import whom; the picture of the architecture in one table. A part is a folder or a file, and belongs to the entry with the
 * longest name that fits. A part may always import itself and what lies below it.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  terminal: [],
  os: ['errors'],
  'observe/request-record': [],
  'observe/log': ['observe/request-record', 'os', 'terminal'],
  config: ['errors', 'observe/log'],
  http: ['errors', 'http/edge'],
  'http/wire': [],
  'http/upstream': ['http', 'http/wire', 'errors'],
  'http/edge': ['http', 'http/wire', 'errors', 'observe/log', 'os'],
  'observe/traffic': ['observe/request-record', 'observe/log', 'scheduler/index', 'errors'],
  observe: ['http', 'http/edge', 'errors'],
  fleet: ['http', 'http/upstream', 'errors', 'observe/log'],
  'fleet/sources': ['fleet', 'config', 'errors', 'observe/log'],
  'scheduler/index': ['fleet'],
  'scheduler/policies': ['scheduler/index', 'fleet'],
  'scheduler/peers': [
    ...['scheduler/policies', 'scheduler/index', 'http', 'http/edge', 'http/upstream', 'errors', 'observe/log'],
  ],
  link: ['scheduler/policies', 'fleet', 'http', 'http/upstream', 'observe', 'errors'],
  'link/threads': [
    ...['link', 'scheduler/policies', 'scheduler/index', 'fleet', 'http', 'observe', 'observe/log', 'errors'],
  ],
  scheduler: ['link', 'fleet', 'http', 'http/upstream', 'observe', 'observe/log', 'errors'],
  data: ['link', 'fleet', 'scheduler/index', 'http', 'http/edge', 'http/upstream', 'observe/log', 'errors'],
  'api/fan-out': [],
  dashboard: ['fleet', 'observe', 'observe/request-record', 'http', 'http/edge', 'terminal', 'errors'],
  api: ['dashboard', 'fleet', 'observe', 'observe/log', 'http', 'http/edge', 'http/upstream', 'config', 'errors'],
  launch: ['terminal', 'config', 'errors', 'os', 'observe/log'],
  sim: ['http', 'config', 'errors', 'observe/log'],
  bench: ['terminal', 'config', 'errors', 'os', 'sim', 'scheduler/policies', 'observe/traffic'],
  router: [
    ...[
      'config',
      'fleet',
      'fleet/sources',
      'scheduler',
      'scheduler/policies',
      'scheduler/peers',
      'link',
      'link/threads',
      'data',
      'api',
      'dashboard',
      'observe',
    ],
    ...['observe/log', 'observe/request-record', 'observe/traffic', 'http', 'http/edge', 'http/upstream', 'errors'],
  ],
  doctor: ['launch', 'config', 'http', 'http/edge', 'os', 'errors'],
  cli: ['config', 'router', 'launch', 'doctor', 'sim', 'bench', 'dashboard', 'os', 'terminal', 'errors', 'observe/log'],
  main: ['cli'],
};

/** What every request runs through. */
const DATA_PATH = ['data', 'scheduler', 'http'];

const SOURCE = join(import.meta.dirname, '../src');
const IMPORT = /(?:from|import)\s*\(?\s*'(\.[^']+)'/g;

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
const PARTS = Object.keys(MAY_IMPORT).sort((a, b) => b.length - a.length);
const isIn = (path: string, part: string) => path === `${part}.ts` || path.startsWith(`${part}${sep}`);
const partOf = (path: string) => PARTS.find((part) => isIn(path, part)) ?? path;

test('every part of src is in the table, and no file but main.ts lies loose', () => {
  const unknown = [...new Set(files.map(partOf))].filter((part) => !(part in MAY_IMPORT));
  assert.deepEqual(unknown, []);
});

test('imports point one way', () => {
  const wrong: string[] = [];
  for (const file of files) {
    const part = partOf(file);
    const below = PARTS.filter((other) => other.startsWith(`${part}/`));
    const allowed = [part, ...below, ...(MAY_IMPORT[part] ?? [])];
    for (const [, path = ''] of readFileSync(join(SOURCE, file), 'utf8').matchAll(IMPORT)) {
      const target = relative(SOURCE, join(SOURCE, dirname(file), path));
      if (!target.startsWith('..') && !allowed.includes(partOf(target))) wrong.push(`${file} imports ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('each third-party library stands behind one folder', () => {
  const owners: Readonly<Record<string, string>> = {
    undici: 'http/upstream',
    execa: 'launch',
    'get-port': 'os',
    'tree-kill': 'os',
    'prom-client/lib/registry.js': 'observe',
    yaml: 'config',
    uplot: 'dashboard',
    esbuild: 'dashboard',
    typebox: 'dashboard',
  };
  const wrong = files.flatMap((file) => {
    const text = readFileSync(join(SOURCE, file), 'utf8').replaceAll(/^import type .*$/gm, '');
    return Object.entries(owners)
      .filter(([library, owner]) => text.includes(`from '${library}'`) && partOf(file) !== owner)
      .map(([library]) => `${file} imports ${library}`);
  });
  assert.deepEqual(wrong, []);
});

test('on the data path no function is written straight into a property', () => {
  // V8 takes it for a method and puts it among the old objects, where it keeps all it refers to until a full collection.
  const LITERAL =
    /[\w\]]\.#?\w+ (?:\?\?)?= (?:async )?(?:\([^()]*\)|\w+) =>|[\w\]]\.#?\w+ (?:\?\?)?= (?:async )?function/g;
  const wrong = files
    .filter((file) => DATA_PATH.some((part) => isIn(file, part)))
    .flatMap((file) =>
      [...readFileSync(join(SOURCE, file), 'utf8').matchAll(LITERAL)].map(([text]) => `${file}: ${text}`),
    );
  assert.deepEqual(wrong, []);
});

test('no link is committed: one to a folder of the machine replaces the folder itself elsewhere', () => {
  const files = execFileSync('git', ['ls-files', '--stage'], { cwd: dirname(SOURCE), encoding: 'utf8' }).split('\n');
  assert.deepEqual(
    files.filter((line) => line.startsWith('120000')),
    [],
  );
});
