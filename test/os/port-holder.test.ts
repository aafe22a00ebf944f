import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runProgram } from '../../src/cli/program.ts';
import { describeHolder, portHolder } from '../../src/os/port-holder.ts';
import { spawnRouter } from '../helpers/spawn-router.ts';

const FAR = '/opt/a/very/long/path/to/some/environment/lib/python3.12/site-packages/sglang_router/_js';

/** Who holds a port, by its command line. */
const HOLDERS: readonly (readonly [words: string, told: string])[] = [
  [
    `/opt/node/bin/node --max-semi-space-size=8 ${FAR}/sglang-router.mjs router --port 30000 --policy random`,
    'another sglang router, pid 7, started with --port 30000 --policy random',
  ],
  [`/opt/node/bin/node ${FAR}/sglang-router.mjs launch`, 'another sglang router, pid 7, started without flags'],
  [`node ${FAR}/sglang-launch.mjs --sim --dp-size 4`, 'another sglang launch, pid 7, started with --sim --dp-size 4'],
  [`node ${FAR}/sglang-launch.mjs server --sim`, 'another sglang launch, pid 7, started with --sim'],
  ['node /src/x/src/main.ts sim-engine --port 1', 'a simulated engine, pid 7, started with --port 1'],
  ['node /usr/bin/sglang-launch --sim', 'another sglang launch, pid 7, started with --sim'],
  ['/usr/sbin/nginx -g daemon', 'pid 7 (nginx -g daemon)'],
  ['/usr/bin/python3 -m sglang.launch_server --port 1', 'pid 7 (python3 -m sglang.launch_server --port 1)'],
  ['/usr/bin/python3 /home/me/app.py', 'pid 7 (python3 app.py)'],
  ['sglang::router', 'another sglang router, pid 7'],
  ['sglang::router server --sim', 'another sglang launch, pid 7, started with --sim'],
  ['', 'pid 7 (unknown command)'],
];

for (const [words, told] of HOLDERS) {
  test(`the holder is told as ${told}`, () => assert.equal(describeHolder(7, words.split(' ').filter(Boolean)), told));
}

test('keys and passwords on its command line are not shown, and the line is short', () => {
  const words =
    'node /x/sglang-router.mjs router --api-key sk-1 --router-api-key=sk-2 --worker-urls http://me:sk-3@a'.split(' ');
  const told = describeHolder(7, [...words, '--control-plane-api-keys', 'sk-4', 'sk-5', '--tls-key-path', '/k.pem']);
  assert.doesNotMatch(told, /sk-/);
  assert.match(
    told,
    /--api-key \*\*\* --router-api-key=\*\*\* --worker-urls http:\/\/\*\*\*@a .*--tls-key-path \/k\.pem$/,
  );
  assert.ok(describeHolder(7, ['nginx', 'x'.repeat(1_000)]).length < 200);
});

test('another router of ours is told by what it is and how it was started', {
  skip: process.platform !== 'linux',
}, async () => {
  await using router = await spawnRouter(['--api-key', 'sk-never-seen']);
  const { port } = new URL(router.url);
  const told = await portHolder(Number(port));
  assert.equal(
    told,
    `another sglang router, pid ${router.child.pid}, started with --port ${port} --prometheus-port 0 --api-key ***`,
  );
});

test('a launch on the port of a router tells the flags of that router as they were given', {
  skip: process.platform !== 'linux',
}, async () => {
  await using router = await spawnRouter([]);
  const { port } = new URL(router.url);
  const err: string[] = [];
  const code = await runProgram('sglang-router', ['server', '--sim', '--port', port], {
    env: {},
    columns: 100,
    out: () => {},
    err: (text) => void err.push(text),
  });
  assert.equal(code, 1);
  assert.ok(
    err.join('').includes(`pid ${router.child.pid}, started with --port ${port} --prometheus-port 0\n`),
    err.join(''),
  );
});
