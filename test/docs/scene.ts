import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { documents, ROOT } from '../helpers/documents.ts';
import { fakeTools, pathWith } from '../helpers/fake-tools.ts';
import { freePort } from '../helpers/spawn-router.ts';
import { Program } from '../launch/processes.ts';

/** Where a command runs: with which shell, and beside which launches. */
export interface Run {
  readonly shell?: string;
  /** Launches of other places are not seen; the scene's own is here unless another one is given. */
  readonly place?: string;
}

const ROLES = ['prefill', 'prefill', 'decode', 'decode'];

/**
 * What the commands of the docs are about, with simulated engines: a launch of two servers, a router for prefill and decode servers, two
 * of each, and one server more. The program is bundled as it is in the package, and found by its names.
 */
export class Scene {
  /** With the files that the docs show and name, and the sources. */
  readonly #folder = mkdtempSync(join(tmpdir(), 'docs-'));
  readonly #bin: string;
  readonly #running = new Set<Program>();
  /** `host:port` of each. */
  router = '';
  pairs = '';
  servers: readonly string[] = [];
  engine = '';
  prefill: readonly string[] = [];
  decode: readonly string[] = [];

  constructor() {
    const made = join(this.#folder, 'python/sglang_router');
    cpSync(join(ROOT, 'python/sglang_router'), made, { recursive: true });
    execFileSync(process.execPath, [join(ROOT, 'scripts/build.ts'), join(made, '_js')]);
    const launch = `exec "${process.execPath}" "${made}/_bin/sglang-launch.mjs"`;
    this.#bin = fakeTools({
      'sglang-launch': `${launch} "$@"`,
      python: `case "$1 $2" in '-m sglang.launch_server') shift 2; ${launch} sim-engine "$@" ;; esac; exec python3 "$@"`,
    });
    for (const name of ['src', 'test', 'package.json', 'node_modules'])
      symlinkSync(join(ROOT, name), join(this.#folder, name));
    for (const { text } of documents()) {
      for (const [, name = '', yaml = ''] of text.matchAll(/^```yaml\n# (\w+\.yaml)\n(.*?)^```/gms))
        writeFileSync(join(this.#folder, name), yaml);
    }
    mkdirSync(join(this.#folder, 'mine'));
    writeFileSync(join(this.#folder, 'mine/engine.json'), '{"flags": {}}');
  }

  /** Starts everything, and records a trace. */
  async open(): Promise<void> {
    const launch = await this.start('sglang-launch --sim --dp-size 2');
    const one = await this.start('sglang-launch sim-engine --port 0');
    const pairs = await this.start('sglang-launch router --pd-disaggregation', { place: 'pairs' });
    const roles = await Promise.all(
      ROLES.map(async (role) =>
        this.start(
          `sglang-launch sim-engine --port 0 --disaggregation-mode ${role} --disaggregation-bootstrap-port ${await freePort()}`,
        ),
      ),
    );
    const [, ready = ''] = await launch.says(/^READY (.*)$/m);
    const { url, workers } = JSON.parse(ready) as { url: string; workers: string[] };
    this.router = hostOf(url);
    this.servers = workers.map(hostOf);
    this.engine = await hostSaid(one);
    const hosts = await Promise.all(roles.map(hostSaid));
    this.prefill = hosts.slice(0, 2);
    this.decode = hosts.slice(2);
    this.pairs = hostOf((await pairs.says(/router listens on (http[^\s"]+)/))[1] ?? '');
    await this.#record();
  }

  /** Starts what a shell takes, with a free port where it names none. */
  async start(text: string, { shell = 'bash', place = 'launch' }: Run = {}): Promise<Program> {
    const tmp = join(this.#folder, 'tmp', place);
    mkdirSync(tmp, { recursive: true });
    const env = {
      PATH: pathWith(this.#bin),
      PYTHONPATH: join(this.#folder, 'python'),
      TMPDIR: tmp,
      XDG_CACHE_HOME: join(this.#folder, 'cache'),
      SGLANG_ROUTER_NODE: process.execPath,
      SGLANG_ROUTER_PORT: String(await freePort()),
      SGLANG_ROUTER_PROMETHEUS_PORT: '0',
      // Else a test that it runs would take itself for a part of this one.
      NODE_TEST_CONTEXT: undefined,
    };
    const program = new Program(shell, ['-c', `cd ${this.#folder} || exit\n${text}`], { env, detached: true });
    this.#running.add(program);
    void program.exited.then(() => this.#running.delete(program));
    return program;
  }

  /** Ends everything that runs. */
  async close(): Promise<void> {
    await Promise.all([...this.#running].map(end));
  }

  async #record(): Promise<void> {
    const flags = `--worker-urls http://${this.servers[0]} --record-trace trace.jsonl`;
    const router = await this.start(`sglang-launch router ${flags}`, { place: 'recorded' });
    const [, url = ''] = await router.says(/router listens on (http[^\s"]+)/);
    for (const text of ['one', 'two', 'three', 'four']) {
      await (await fetch(`${url}/generate`, { method: 'POST', body: JSON.stringify({ text }) })).text();
    }
    await end(router);
  }
}

/** Ends a program and all that its shell has started; resolves with its exit code. */
export async function end({ pid, exited }: Program): Promise<number | null> {
  process.kill(-pid, 'SIGTERM');
  const [code] = await exited;
  return code;
}

async function hostSaid(engine: Program): Promise<string> {
  return (await engine.says(/running on http:\/\/([\d.]+:\d+)/))[1] ?? '';
}

function hostOf(url: string): string {
  return new URL(url).host;
}
