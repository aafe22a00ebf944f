import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gatherServer, resolveServer } from '../../src/config/launch.ts';
import { OPTIONS } from '../../src/config/options.ts';
import { gatherRouter, resolveRouter, valuesOf } from '../../src/config/resolve.ts';
import { settingsOf } from '../../src/config/settings.ts';
import type { Spec } from '../../src/config/spec.ts';
import { ROUTER_OPTIONS } from '../../src/config/vocabulary.ts';

const FILE = join(mkdtempSync(join(tmpdir(), 'config-file-')), 'router.yaml');
const fileWith = (text: string) => writeFileSync(FILE, text);

async function routerWith(text: string, ...argv: string[]) {
  fileWith(text);
  return (await resolveRouter(['--config', FILE, ...argv], {})).config;
}

interface Case {
  readonly key: keyof typeof OPTIONS;
  readonly file: string;
  readonly variable: string;
  readonly words: readonly string[];
  /** From the file, the variable and the command line. */
  readonly values: readonly [unknown, unknown, unknown];
}

/** One option of each type. */
const CASES: readonly Case[] = [
  { key: 'dpAware', file: 'dp-aware: true', variable: 'false', words: ['--dp-aware'], values: [true, false, true] },
  {
    key: 'policy',
    file: 'policy: random',
    variable: 'manual',
    words: ['--policy', 'round_robin'],
    values: ['random', 'manual', 'round_robin'],
  },
  { key: 'queueSize', file: 'queue_size: 1_000', variable: '6', words: ['--queue-size', '7'], values: [1000, 6, 7] },
  {
    key: 'cacheThreshold',
    file: 'cache-threshold: .25',
    variable: '0.5',
    words: ['--cache-threshold', '1'],
    values: [0.25, 0.5, 1],
  },
  {
    key: 'maxPayloadBytes',
    file: 'max-payload-size: 1GiB',
    variable: '2K',
    words: ['--max-payload-size', '3'],
    values: [2 ** 30, 2048, 3],
  },
  {
    key: 'corsAllowedOrigins',
    file: 'cors-allowed-origins: ["*", "http://a"]',
    variable: 'http://b',
    words: ['--cors-allowed-origins'],
    values: [['*', 'http://a'], ['http://b'], []],
  },
  {
    key: 'selector',
    file: 'selector: {app: a, tier: b}',
    variable: 'app=c',
    words: ['--selector', 'app=d'],
    values: [['app=a', 'tier=b'], ['app=c'], ['app=d']],
  },
  {
    key: 'prefill',
    file: 'pd-disaggregation: on\nprefill:\n  - http://a\n  - http://b 9000',
    variable: 'http://c none',
    words: ['--prefill', 'http://d', '1'],
    values: [
      [
        { url: 'http://a', bootstrapPort: undefined },
        { url: 'http://b', bootstrapPort: 9000 },
      ],
      [{ url: 'http://c', bootstrapPort: null }],
      [{ url: 'http://d', bootstrapPort: 1 }],
    ],
  },
  {
    key: 'decode',
    file: 'pd-disaggregation: yes\ndecode: [http://a, http://b]',
    variable: 'http://c',
    words: ['--decode', 'http://d'],
    values: [['http://a', 'http://b'], ['http://c'], ['http://d']],
  },
  {
    key: 'requestTimeoutMs',
    file: 'request-timeout-secs: 5',
    variable: '6',
    words: ['--request-timeout-secs', '7'],
    values: [5000, 6000, 7000],
  },
  { key: 'apiKey', file: 'api-key: 0123', variable: 'b', words: ['--api-key', 'c'], values: ['0123', 'b', 'c'] },
];

test('the cases have an option of each type', () => {
  const types = Object.values<Spec>(OPTIONS).map(({ type }) => type);
  assert.deepEqual(new Set(CASES.map(({ key }) => OPTIONS[key].type)), new Set(types));
});

for (const { key, file, variable, words, values } of CASES) {
  test(`${key}: the command line comes before the variable, the variable before the file, the file before the default`, async () => {
    fileWith(`# a comment\n${file}\n`);
    const { flags } = OPTIONS[key];
    const name = `SGLANG_ROUTER_${flags[0].slice(2).replaceAll('-', '_').toUpperCase()}`;
    const env = { [name]: variable };
    const named = ['--config', FILE];
    const steps: [argv: string[], env: Record<string, string>, value: unknown, place: RegExp][] = [
      [[...named, ...words], env, values[2], /^command line$/],
      [named, env, values[1], new RegExp(`^${name}$`)],
      [named, {}, values[0], /router\.yaml, line [23]$/],
      [[], {}, OPTIONS[key].default, /^default$/],
    ];
    for (const [argv, variables, value, place] of steps) {
      const given = await gatherRouter(argv, variables);
      const found = settingsOf(ROUTER_OPTIONS, given).find((one) => one.key === key);
      assert.deepEqual(valuesOf(ROUTER_OPTIONS, given)[key], value);
      assert.match(found?.origin.place ?? '', place);
    }
  });
}

test('the variable names the file as the flag does, and a pipe is a file', async () => {
  fileWith('port: 4000\n');
  assert.equal((await resolveRouter([], { SGLANG_ROUTER_CONFIG: FILE })).config.port, 4000);
  const program = new URL('../../src/main.ts', import.meta.url).pathname;
  const command = `'${process.execPath}' '${program}' config router --config <(echo 'port: 4001')`;
  assert.match(execFileSync('bash', ['-c', command], { encoding: 'utf8' }), /^port: 4001 +# .*, line 1$/m);
});

test('names may have underscores, dashes before them, and be the aliases of a flag', async () => {
  const config = await routerWith('queue_size: 3\n"--policy": random\neviction-interval-secs: 9\n');
  assert.deepEqual([config.queueSize, config.policy, config.evictionIntervalMs], [3, 'random', 9000]);
});

test('a single value may stand for a list of one', async () => {
  assert.deepEqual((await routerWith('worker-urls: http://a:1\n')).workerUrls, ['http://a:1']);
});

test('keys of the admin routes keep the spaces in their names', async () => {
  const { controlPlaneApiKeys } = await routerWith(
    'control-plane-api-keys:\n  - a:The Admin:admin:k1\n  - "b::user:k2"\n',
  );
  assert.deepEqual(
    controlPlaneApiKeys.map(({ name, key }) => [name, key]),
    [
      ['The Admin', 'k1'],
      ['', 'k2'],
    ],
  );
});

test('an alias stands for its value, and an empty file says nothing', async () => {
  const config = await routerWith('host: &here 127.0.0.2\nprometheus-host: *here\n');
  assert.equal(config.prometheusHost, '127.0.0.2');
  assert.equal((await routerWith('# nothing yet\n')).port, 30_000);
});

test('the file of a co-launch has the names of its flags, and what concerns the servers reaches them', async () => {
  fileWith(
    'model-path: org/name\ndp-size: 3\ntp-size: 2\nport: 4000\nrouter-policy: random\nrouter-serve-when: first\napi-key: theirs\nrouter-api-key: ours\n',
  );
  const { config, launch } = await resolveServer(['--router-config', FILE, '--mem-fraction-static', '0.8'], {});
  assert.deepEqual([config.port, config.policy, config.apiKey], [4000, 'random', 'ours']);
  assert.deepEqual([launch.servers.regular, launch.serveWhen, launch.serverApiKey], [3, 'first', 'theirs']);
  const words = '--mem-fraction-static 0.8 --model-path org/name --tp-size 2 --api-key theirs';
  assert.deepEqual(launch.serverArgs, words.split(' '));
});

test('the command line of a co-launch replaces what its file says, for the servers too', async () => {
  fileWith('model-path: org/name\ntp-size: 2\n');
  const { launch } = await resolveServer(['--router-config', FILE, '--tp', '4'], {});
  assert.deepEqual(launch.serverArgs, ['--tp', '4', '--model-path', 'org/name']);
});

test("our file comes before the servers' file, which it may name", async () => {
  const theirs = `${FILE}.servers.yaml`;
  writeFileSync(theirs, 'model-path: org/theirs\ndp-size: 5\nbase-gpu-id: 2\n');
  fileWith(`config: ${theirs}\ndp-size: 2\n`);
  const argv = ['--router-config', FILE];
  const { launch } = await resolveServer(argv, {});
  assert.deepEqual([launch.servers.regular, launch.gpu.base, launch.modelPath], [2, 2, 'org/theirs']);
  const { given } = await gatherServer(argv, {});
  assert.match(given.get('baseGpuId')?.origin.place ?? '', /servers\.yaml, line 3$/);
});

test('a switch that is off in a variable is off, whatever the file says', async () => {
  fileWith('router-disable-retries: true\nsim: true\n');
  const env = { SGLANG_ROUTER_DISABLE_RETRIES: 'no' };
  const { config, launch } = await resolveServer(['--router-config', FILE], env);
  assert.deepEqual([config.disableRetries, launch.sim], [false, true]);
});
