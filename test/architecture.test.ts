import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { test } from 'node:test';

/** Who may import whom; the picture of the architecture in one table. A folder may always import itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  columns: [],
  errors: [],
  nearest: [],
  folder: ['errors'],
  log: ['folder', 'request-record'],
  'request-record': [],
  metrics: ['http', 'errors', 'log', 'request-record'],
  tracing: ['errors', 'log', 'request-record'],
  'fan-out': [],
  observe: ['http', 'metrics', 'tracing', 'request-record'],
  state: [],
  policies: ['state'],
  peers: ['policies', 'state', 'http', 'errors', 'log'],
  config: ['errors', 'log', 'nearest'],
  http: ['errors', 'log'],
  workers: ['state', 'http', 'errors', 'log'],
  proxy: ['policies', 'state', 'http', 'fan-out', 'config', 'observe', 'errors', 'log'],
  api: ['workers', 'fan-out', 'metrics', 'http', 'config', 'errors', 'log'],
  discovery: ['workers', 'config', 'errors', 'log'],
  launch: ['columns', 'config', 'errors', 'folder', 'log'],
  sim: ['http', 'errors', 'log', 'nearest'],
  bench: ['columns', 'errors', 'folder', 'nearest'],
  routing: ['config', 'policies', 'proxy', 'workers'],
  observing: ['observe', 'metrics', 'tracing', 'api', 'http', 'config', 'log', 'request-record'],
  'worker-metrics': ['metrics', 'policies', 'workers'],
  'shared-policies': ['peers', 'policies', 'workers', 'log'],
  'policy-feed': ['config', 'policies', 'workers', 'log'],
  router: [
    ...[
      'routing',
      'observing',
      'worker-metrics',
      'policy-feed',
      'shared-policies',
      'peers',
      'config',
      'state',
      'policies',
      'workers',
      'discovery',
      'http',
      'proxy',
    ],
    ...['api', 'errors', 'log'],
  ],
  cli: ['config', 'router', 'launch', 'sim', 'bench', 'errors', 'log', 'nearest'],
  main: ['cli'],
};

const SOURCE = join(import.meta.dirname, '../src');
const IMPORT = /(?:from|import)\s*\(?\s*'(\.[^']+)'/g;

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
const partOf = (path: string) => (path.split(sep)[0] ?? path).replace(/\.ts$/, '');

test('every part of src is in the table', () => {
  const unknown = [...new Set(files.map(partOf))].filter((part) => !(part in MAY_IMPORT));
  assert.deepEqual(unknown, []);
});

test('imports point one way', () => {
  const wrong: string[] = [];
  for (const file of files) {
    const part = partOf(file);
    const allowed = [part, ...(MAY_IMPORT[part] ?? [])];
    for (const [, path = ''] of readFileSync(join(SOURCE, file), 'utf8').matchAll(IMPORT)) {
      const target = relative(SOURCE, join(SOURCE, dirname(file), path));
      if (!target.startsWith('..') && !allowed.includes(partOf(target))) wrong.push(`${file} imports ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('each third-party library stands behind one folder', () => {
  const owners: Readonly<Record<string, string>> = {
    undici: 'http',
    execa: 'launch',
    'get-port': 'launch',
    'tree-kill': 'launch',
    'prom-client/lib/registry.js': 'metrics',
    'js-yaml': 'discovery',
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
    .filter((file) => ['proxy', 'policies', 'http', 'state'].includes(partOf(file)))
    .flatMap((file) =>
      [...readFileSync(join(SOURCE, file), 'utf8').matchAll(LITERAL)].map(([text]) => `${file}: ${text}`),
    );
  assert.deepEqual(wrong, []);
});
