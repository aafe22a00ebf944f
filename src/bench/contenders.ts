import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { temporaryFolder } from '../os/folder.ts';
import { freePorts, Program } from './program.ts';

const START_MS = 60_000;
/** Our router compiles its code while servers load, which takes longer than it needs; simulated ones are there at once. */
const WARM_UP_MS = 4_000;
const CONNECTIONS = 4096;
const PORTS_EACH = 3;
/** Beyond what any workload has under way: the choice of workers is measured, not admission. */
const ADMIT_ALL = ['--max-concurrent-requests', '8192'];

/** A router that is measured: ours with some policy, or another one. */
export interface Contender {
  readonly name: string;
  /** Milliseconds that it needs, once it is ready, to be as it is in service. */
  readonly settleMs?: number;
  /** The command that routes to these workers. */
  command(place: Place): Promise<Command> | Command;
}

/** What one router is started with. */
export interface Place {
  readonly workers: readonly string[];
  /** All routers before them, this one among them. */
  readonly routers: readonly string[];
  /** Free ones; on the first it is to listen. */
  readonly ports: readonly number[];
  /** A folder of its own. */
  readonly scratch: string;
}

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

/** This program's router, as its users start it. */
export function ownRouter(program: string, policy: string, routerArgs: readonly string[]): Contender {
  return {
    name: policy,
    settleMs: process.env.SGLANG_ROUTER_DISABLE_WARM_UP ? 0 : WARM_UP_MS,
    command: ({ workers, routers, ports: [port] }) => ({
      file: process.execPath,
      args: [
        ...[program, 'router', '--port', String(port), '--policy', policy, '--log-level', 'error'],
        ...['--prometheus-port', '0'],
        ...[...ADMIT_ALL, ...(routers.length > 1 ? ['--peer-urls', ...routers] : [])],
        ...[...routerArgs, '--worker-urls', ...workers],
      ],
    }),
  };
}

/** The other routers, with their default options; only those that scripts/install-peers, or the system, has installed. */
export function installedPeers(env: NodeJS.ProcessEnv): readonly Contender[] {
  const folder = peersFolder(env);
  const inFolder = (path: string) => [join(folder, path)];
  const onPath = (name: string) => (env.PATH ?? '').split(delimiter).map((place) => join(place, name));
  const peers: readonly { places: readonly string[]; contender: (file: string) => Contender }[] = [
    { places: inFolder('sglang-router/bin/python'), contender: sglangRouter },
    { places: inFolder('smg/bin/smg'), contender: smg },
    {
      places: inFolder('vllm-router/bin/vllm-router'),
      contender: (file) => rustRouter('vllm-router 0.1.17', file, []),
    },
    { places: [...inFolder('nginx/usr/sbin/nginx'), ...onPath('nginx'), '/usr/sbin/nginx'], contender: nginx },
  ];
  return peers.flatMap(({ places, contender }) => {
    const file = places.find((place) => existsSync(place));
    return file === undefined ? [] : [contender(file)];
  });
}

/** Where scripts/install-peers puts them. */
export function peersFolder(env: NodeJS.ProcessEnv): string {
  return env.BENCH_PEERS_DIR ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sglang-router-bench');
}

/** Routers of one contender, one or several, in front of the same workers. */
export class RunningRouters {
  readonly urls: readonly string[];
  readonly #programs: readonly Program[];
  readonly #scratch: string;

  private constructor(urls: readonly string[], programs: readonly Program[], scratch: string) {
    this.urls = urls;
    this.#programs = programs;
    this.#scratch = scratch;
  }

  /** Resolves when all route to all workers; throws an ExitError when one does not come up. */
  static async start(contender: Contender, count: number, workers: readonly string[]): Promise<RunningRouters> {
    const scratch = temporaryFolder('sglang-bench-', 'give a TMPDIR that can be written');
    const free = await freePorts(PORTS_EACH * count);
    const urls = Array.from({ length: count }, (_, i) => `http://127.0.0.1:${free[i * PORTS_EACH]}`);
    const places = urls.map((_, i) => ({
      workers,
      routers: urls,
      ports: free.slice(i * PORTS_EACH, (i + 1) * PORTS_EACH),
      scratch: join(scratch, String(i)),
    }));
    const programs: Program[] = [];
    const running = new RunningRouters(urls, programs, scratch);
    try {
      for (const place of places) {
        await mkdir(place.scratch);
        const { file, args } = await contender.command(place);
        programs.push(new Program(contender.name, file, args));
      }
      const ready = programs.map((one, i) => one.until(() => isReady(urls[i] as string, workers.length), START_MS));
      await Promise.all(ready);
      await delay(contender.settleMs ?? 0);
      return running;
    } catch (error) {
      await running.stop();
      throw error;
    }
  }

  /** Throws an ExitError where one has ended by itself. */
  assertRunning(): void {
    for (const program of this.#programs) program.assertRunning();
  }

  /** They are asked to end, so that what they record is whole. */
  async stop(): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.stop()));
    await rm(this.#scratch, { recursive: true, force: true });
  }
}

function sglangRouter(file: string): Contender {
  return rustRouter('sglang-router 0.3.2', file, ['-m', 'sglang_router.launch_router']);
}

/**
 * It asks its workers for their load every 10 s; before the first time nearly all goes to one of them. For a minute it also
 * favours workers that are new, which here all are: switched off, so that it is measured as it is once it has run for a while.
 */
function smg(file: string): Contender {
  const first = ['launch', '--worker-warmup-secs', '0', '--worker-warmup-thin-ratio', '0'];
  return { ...rustRouter('smg 1.13.0', file, first), settleMs: 12_000 };
}

/** The options that these three have in common. */
function rustRouter(name: string, file: string, first: readonly string[]): Contender {
  return {
    name,
    command: ({ workers, ports: [port, metrics] }) => ({
      file,
      args: [
        ...[...first, '--host', '127.0.0.1', '--port', String(port), '--policy', 'cache_aware', '--log-level', 'error'],
        ...['--prometheus-port', String(metrics), ...ADMIT_ALL, '--worker-urls', ...workers],
      ],
    }),
  };
}

/** What people use who have no router: the fewest connections, and nothing kept back. */
function nginx(file: string): Contender {
  return {
    name: 'nginx least_conn',
    async command({ workers, ports: [port], scratch }) {
      const servers = workers.map((url) => `    server ${new URL(url).host};`).join('\n');
      const config = join(scratch, 'nginx.conf');
      await writeFile(
        config,
        `daemon off;
master_process off;
pid ${scratch}/nginx.pid;
error_log stderr error;
events { worker_connections ${CONNECTIONS}; }
http {
  access_log off;
  client_max_body_size 64m;
  client_body_temp_path ${scratch}/body;
  proxy_temp_path ${scratch}/proxy;
  fastcgi_temp_path ${scratch}/fastcgi;
  uwsgi_temp_path ${scratch}/uwsgi;
  scgi_temp_path ${scratch}/scgi;
  upstream workers {
    least_conn;
${servers}
    keepalive ${CONNECTIONS / 4};
    keepalive_timeout 4s;
  }
  server {
    listen 127.0.0.1:${port} backlog=${CONNECTIONS};
    location / {
      proxy_pass http://workers;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_read_timeout 600s;
    }
  }
}
`,
      );
      return { file, args: ['-p', scratch, '-e', 'stderr', '-c', config] };
    },
  };
}

/** True when it says that all workers are healthy, or answers for them where it does not say. */
async function isReady(url: string, workers: number): Promise<true | undefined> {
  try {
    const { status, healthy_workers: healthy } = JSON.parse((await ask(`${url}/readiness`)).text);
    if (status !== undefined) return healthy === workers || undefined;
  } catch {
    // Not up yet, or none that knows the path.
  }
  const models = await ask(`${url}/v1/models`).catch(() => undefined);
  return models?.ok || undefined;
}

async function ask(url: string): Promise<{ readonly ok: boolean; readonly text: string }> {
  const response = await fetch(url, { signal: AbortSignal.timeout(1000) });
  return { ok: response.ok, text: await response.text() };
}
