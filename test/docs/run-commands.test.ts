import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { COMMANDS, type DocumentedCommand } from '../helpers/documented-commands.ts';
import { freePort } from '../helpers/spawn-router.ts';
import { end, Scene } from './scene.ts';

/** Commands that do not run here, and why. */
const CANNOT: readonly (readonly [RegExp, string])[] = [
  [/^scripts\/quickstart$/, 'installs from the network; its requests are sent in test/docs/quickstart.test.ts'],
  [/^pip install \.$/, 'installs from the network; scripts/test builds the wheel, installs it and tests it'],
  [/^npm ci/, 'installs from the network; scripts/test does it, and packs, installs and asks the package'],
  [/^scripts\/test$|^npm run check$/, 'runs this test'],
  [/^npm run format$/, 'writes into the sources'],
  [/^scripts\/install-peers$|bench .*--peers/, 'needs other routers, from the network; test/bench/contenders.test.ts'],
  [/^docker /, 'needs a container engine; test/deploy/container.test.ts reads its files'],
  [
    /^(?:kubectl|helm) |^KEY=/,
    'needs a cluster: test/kubernetes/chart.test.ts, which runs those of docs/kubernetes.md',
  ],
  [/--service-discovery/, 'needs a cluster: test/kubernetes/discovery.test.ts'],
  [/update_weights/, 'simulated engines have no weights; test/real/co-launch.test.ts pauses real ones'],
  [/^sglang-launch top$/, 'needs a terminal: test/cli/top.test.ts'],
  [/^sglang-launch doctor$|doctor --model-path/, 'finds that there is no GPU: test/cli/doctor.test.ts'],
  [/--kill-leftovers/, 'would end what others have left on this machine: test/cli/doctor.test.ts'],
];

/** All that is changed of the others, so that they run on this machine, beside others, and in seconds. */
const SUBSTITUTIONS: readonly (readonly [RegExp, (scene: Scene, port: number, n: string) => string])[] = [
  // Free ports; a server that the commands start themselves is the one that they go on about.
  [/(?<=sglang\.launch_server(?:.|\n)*)30001/g, (_, port) => String(port)],
  [/--port \d+/g, (_, port) => `--port ${port}`],
  [/(?<=\bport=30000(?:.|\n)*127\.0\.0\.1:)30000/g, (_, port) => String(port)],
  [/\bport=30000/g, (_, port) => `port=${port}`],
  [/127\.0\.0\.1:3(?:0001|1000)/g, ({ engine }) => engine],
  [/127\.0\.0\.1%3A30001/g, ({ engine }) => encodeURIComponent(engine)],
  [/localhost:30000(?=.*worker_type=)/g, ({ pairs }) => pairs],
  [/(?:localhost|127\.0\.0\.1|10\.0\.0\.7|router-[ab]):30000/g, ({ router }) => router],
  [/(?<=\/\/)w(?:orker)?(\d):\d+/g, ({ servers }, _, n) => nth(servers, n)],
  [/(?<=\/\/)prefill(\d):\d+/g, ({ prefill }, _, n) => nth(prefill, n)],
  [/(?<=\/\/)decode(\d):\d+/g, ({ decode }, _, n) => nth(decode, n)],
  // Simulated engines need no model and no GPU.
  [/(?<=^sglang-launch |sglang_router\.launch_server )--model-path \S+/g, () => '--sim'],
  [/launch_server --router-config/g, () => 'launch_server --sim --router-config'],
  // The one that is there is read by others.
  [/--record-trace trace/g, () => '--record-trace another'],
  // A fiftieth of the work.
  [/sglang-launch bench(?!.*--out mine$)/g, () => 'sglang-launch bench --scale 0.02 --engines 2 --warmup-requests 0'],
  [/--routers 1,2,4/g, () => '--routers 1,2'],
  // A hundredth of the time.
  [/--sim-startup-secs 40/g, () => '--sim-startup-secs 0.4'],
  [/weights=30,warm-up=5/g, () => 'weights=0.3,warm-up=0.05'],
];

/** What commands say that run until they are ended, once they do what they are for. */
const READY: readonly (readonly [RegExp, RegExp])[] = [
  [/sim-engine|sglang\.launch_server(?!.*\n)/, /Uvicorn running on/],
  [/logs .*-f/, /./],
  [/launch[_ ]router .*(?:--worker-urls|--prefill)/, /worker ready/],
  [/launch[_ ]router/, /router listens on/],
  [/^(?!.*--dry-run)(?:sglang-launch --|python -m sglang_router\.launch_server|node src\/main\.ts server)/, /^READY /m],
];

/** For the shell: HTTP errors are errors, and what is left running ends with it. */
const PRELUDE = `
set -euo pipefail
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
curl() { command curl -sSf "$@"; }
sleep 60 & SERVER=$!
KEY=
`;

const ZSH = 'autoload -U compinit && compinit -D';
const CLIENTS = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sglang-router-clients/bin/python');

const whyNot = ({ text }: DocumentedCommand) => CANNOT.find(([pattern]) => pattern.test(text))?.[1];
const readyOf = ({ text }: DocumentedCommand) => READY.find(([pattern]) => pattern.test(text))?.[1];
/** It is about the launch that is there, whose state it reads or changes. */
const concernsLaunch = ({ text, language }: DocumentedCommand) =>
  language === 'python' || /curl|sglang-launch (?:ps|logs|restart)|bench --url/.test(text);

const runnable = COMMANDS.filter((command) => whyNot(command) === undefined);
const different = [...new Map(runnable.map((command) => [command.text, command])).values()];

test('every line of the list of commands that do not run here is about one', () => {
  const idle = CANNOT.filter(([pattern]) => !COMMANDS.some(({ text }) => pattern.test(text)));
  assert.deepEqual(idle, []);
});

describe('the commands of the README and of docs', () => {
  const scene = new Scene();
  before(() => scene.open());
  after(() => scene.close());

  describe('that start something', { concurrency: 2 }, () => {
    for (const command of different.filter((one) => !concernsLaunch(one))) runs(scene, command);
  });
  describe('about a router that is there', () => {
    for (const command of different.filter(concernsLaunch)) runs(scene, command);
  });
});

function runs(scene: Scene, command: DocumentedCommand): void {
  const { page, text, language } = command;
  const shell = /completion (zsh|fish)/.exec(text)?.[1] ?? 'bash';
  const missing = spawnSync(shell, ['--version']).error && `no ${shell}`;
  const noClients = language === 'python' && !existsSync(CLIENTS) && 'no clients: scripts/install-clients';
  test(`${page}: ${text}`, { skip: missing || noClients || false }, async () => {
    const place = concernsLaunch(command) ? 'launch' : 'others';
    if (concernsLaunch(command)) await arrange(scene, text);
    const port = await freePort();
    const placed = SUBSTITUTIONS.reduce(
      (changed, [pattern, replace]) => changed.replaceAll(pattern, (_, n) => replace(scene, port, n)),
      text,
    );
    const program = await scene.start(scriptOf(placed, language, shell), { shell, place });
    const ready = readyOf(command);
    if (ready === undefined) {
      const [code] = await program.exited;
      assert.equal(code, 0, `${placed}\n${program.output}`);
      return;
    }
    await program.says(ready);
    await end(program);
  });
}

function scriptOf(text: string, language: DocumentedCommand['language'], shell: string): string {
  if (language === 'python')
    return `cat >"$TMPDIR/program.py" <<'END'\n${text}\nEND\nexec ${CLIENTS} "$TMPDIR/program.py"`;
  if (shell === 'fish') return text;
  return shell === 'zsh' ? `${ZSH}\n${text}` : `${PRELUDE}${text}`;
}

/** A worker that a command adds is not there before, and one that it asks for or removes is. */
async function arrange({ router, engine }: Scene, text: string): Promise<void> {
  const change = /add_worker/.test(text) ? 'remove_worker' : 'add_worker';
  const answer = await fetch(`http://${router}/${change}?url=http://${engine}`, { method: 'POST' });
  await answer.text();
}

function nth(hosts: readonly string[], n: string): string {
  return hosts[(Number(n) - 1) % hosts.length] ?? '';
}
