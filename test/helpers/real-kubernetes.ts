import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, existsSync, readFileSync } from 'node:fs';
import { chmod, copyFile, mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const { REAL_KUBERNETES_CLUSTER: program, REAL_KUBERNETES_DIR: folder, XDG_CACHE_HOME: cache } = process.env;
/** Tests on a real control plane run where REAL_KUBERNETES_CLUSTER names the program that starts one. */
export const options = program ? {} : { skip: 'REAL_KUBERNETES_CLUSTER names no cluster.py; see scripts/test' };

const DIR = folder || join(cache || join(homedir(), '.cache'), 'real-kubernetes');
const ROOT = join(import.meta.dirname, '../..');
/** Where programs for pods are copied to: pods have a /tmp of their own, and not every user may look into a checkout. */
const PROGRAMS = '/var/tmp/sglang-router-pods-';
/** The network of the pods, while there is a cluster. */
const BRIDGE = '/sys/class/net/kit0';

/** Node and the program in a folder that every pod can read. */
async function podProgram(): Promise<string> {
  const folder = await mkdtemp(PROGRAMS);
  await chmod(folder, 0o755);
  await copyFile(process.execPath, join(folder, 'node'), constants.COPYFILE_FICLONE);
  await promisify(execFile)(process.execPath, [join(ROOT, 'scripts/build.ts'), join(folder, 'js')]);
  return folder;
}

/** What the images of pods stand for; KUBERNETES_ROUTER is the command of another router, to compare with. */
function imagesOf(folder: string): Readonly<Record<string, string>> {
  const main = `${folder}/node ${folder}/js/main.mjs`;
  return { sglang: `${main} sim-engine`, 'sglang-router': process.env.KUBERNETES_ROUTER ?? `${main} router` };
}

export interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly status: {
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

export const isReady = ({ metadata, status }: Pod) =>
  metadata.deletionTimestamp === undefined &&
  (status.conditions ?? []).some(({ type, status: is }) => type === 'Ready' && is === 'True');

/** API server, controllers and scheduler of a real Kubernetes; its pods are processes of this machine. */
export class RealKubernetes implements AsyncDisposable {
  readonly kubeconfig = join(DIR, 'run/kubeconfig');
  readonly #child: ChildProcess;
  readonly #agent: Agent;
  readonly server: URL;

  readonly #programs: string;

  private constructor(child: ChildProcess, programs: string) {
    this.#child = child;
    this.#programs = programs;
    const { clusters } = JSON.parse(readFileSync(this.kubeconfig, 'utf8'));
    this.server = new URL(clusters[0].cluster.server);
    const ca = Buffer.from(clusters[0].cluster['certificate-authority-data'], 'base64');
    this.#agent = new Agent({ keepAlive: true, ca });
  }

  static async start(): Promise<RealKubernetes> {
    // A second one would take the first one down.
    if (existsSync(BRIDGE)) throw new Error(`a cluster runs on this machine already (${BRIDGE})`);
    const programs = await podProgram();
    const flags = Object.entries(imagesOf(programs)).flatMap(([name, command]) => ['--image', `${name}=${command}`]);
    const child = spawn('python3', [program as string, '--dir', DIR, ...flags], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
    const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`cluster.py ended with ${code}`)));
    await Promise.race([once(lines, 'line'), ended]);
    ended.catch(() => {});
    return new RealKubernetes(child, programs);
  }

  /** The process of a part of the control plane, such as `kube-apiserver`. */
  pid(part: string): number {
    return Number(readFileSync(join(DIR, `run/${part}.pid`), 'utf8'));
  }

  /** The folder of a pod's volumes on this machine. */
  volumes(namespace: string, name: string): string {
    return join(DIR, `run/pods/${namespace}_${name}/volumes`);
  }

  podLog(namespace: string, name: string): string {
    return readFileSync(join(DIR, `run/pods/${namespace}_${name}.log`), 'utf8');
  }

  async kubectl(...words: string[]): Promise<string> {
    return await this.#run('kubectl', words);
  }

  async helm(...words: string[]): Promise<string> {
    return await this.#run('helm', words);
  }

  /** `kubectl apply` of these objects, or of a manifest; returns what it says. */
  async apply(manifest: string | readonly object[], ...flags: string[]): Promise<string> {
    const text =
      typeof manifest === 'string' ? manifest : JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifest });
    return await this.#run('kubectl', ['apply', ...flags, '-f', '-'], text);
  }

  /** Bash in that folder, with kubectl and helm at hand; returns what it prints. */
  async shell(script: string, cwd: string): Promise<string> {
    return await this.#run('/bin/bash', ['-c', script], '', cwd);
  }

  async #run(program: string, words: readonly string[], input = '', cwd?: string): Promise<string> {
    const env = { ...process.env, PATH: `${join(DIR, 'bin')}:${process.env.PATH}`, KUBECONFIG: this.kubeconfig };
    const running = promisify(execFile)(program, words, { env, cwd, maxBuffer: 1 << 24 });
    running.child.stdin?.end(input);
    return (await running).stdout;
  }

  /** A call of the API as admin. */
  async api<T = unknown>(method: string, path: string, body?: object): Promise<T> {
    const kind = method === 'PATCH' ? 'application/strategic-merge-patch+json' : 'application/json';
    const call = request(new URL(path, this.server), {
      method,
      agent: this.#agent,
      headers: { authorization: 'Bearer admin-token', 'content-type': kind },
    });
    call.end(body && JSON.stringify(body));
    const response = await once(call, 'response').then(
      ([answer]) => answer,
      (error) => {
        if (call.reusedSocket && error.code === 'ECONNRESET') return undefined;
        throw error;
      },
    );
    // The connection was kept for too long.
    if (!response) return this.api(method, path, body);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const answer = JSON.parse(Buffer.concat(chunks).toString());
    if (response.statusCode >= 300) throw new Error(`${method} ${path}: ${response.statusCode} ${answer.message}`);
    return answer as T;
  }

  async pods(namespace: string, selector: string): Promise<readonly Pod[]> {
    const query = new URLSearchParams({ labelSelector: selector });
    const { items } = await this.api<{ items: readonly Pod[] }>('GET', `/api/v1/namespaces/${namespace}/pods?${query}`);
    return items;
  }

  /** A pod that nobody runs: what it is, is what `setPod` says. */
  async createPod(namespace: string, name: string, labels: object, annotations: object = {}): Promise<void> {
    await this.api('POST', `/api/v1/namespaces/${namespace}/pods`, {
      metadata: { name, labels, annotations },
      spec: { nodeName: 'nowhere', containers: [{ name: 'c', image: 'none' }], terminationGracePeriodSeconds: 0 },
    });
  }

  async setPod(namespace: string, name: string, ip: string, ready: boolean): Promise<void> {
    const status = ready ? 'True' : 'False';
    await this.api('PATCH', `/api/v1/namespaces/${namespace}/pods/${name}/status`, {
      status: { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions: [{ type: 'Ready', status }] },
    });
  }

  async deletePod(namespace: string, name: string): Promise<void> {
    await this.api('DELETE', `/api/v1/namespaces/${namespace}/pods/${name}?gracePeriodSeconds=0`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await ended;
    await rm(this.#programs, { recursive: true, force: true });
  }
}

/** A Deployment of simulated engines or routers. */
export function deployment(
  name: string,
  labels: Readonly<Record<string, string>>,
  args: readonly string[],
  more: {
    readonly image?: string;
    readonly replicas?: number;
    readonly port?: number;
    readonly path?: string;
    readonly annotations?: object;
    readonly spec?: object;
    readonly container?: object;
  } = {},
): object {
  const { image = 'sglang', replicas = 1, port = 8000, path = '/health', annotations = {}, spec, container } = more;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: {
        metadata: { labels, annotations },
        spec: {
          terminationGracePeriodSeconds: 60,
          containers: [
            {
              name: image,
              image,
              args: ['--host', '0.0.0.0', '--port', String(port), ...args],
              readinessProbe: { httpGet: { path, port }, periodSeconds: 1 },
              ...container,
            },
          ],
          ...spec,
        },
      },
    },
  };
}
