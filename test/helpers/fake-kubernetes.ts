import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Cluster } from '../../src/fleet/sources/kubernetes/access.ts';

export interface FakePod {
  readonly uid: string;
  readonly namespace: string;
  readonly ip: string | undefined;
  readonly ready: boolean;
  readonly deleting: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

interface Change {
  readonly version: number;
  readonly name: string;
  readonly before: FakePod | undefined;
  readonly after: FakePod | undefined;
}

interface Watch {
  readonly response: ServerResponse;
  readonly matches: (pod: FakePod | undefined) => boolean;
}

/** The part of an API server that lists and watches pods, over real HTTP: resource versions, selectors, pages, bookmarks, 410. */
export class FakeKubernetes implements AsyncDisposable {
  /** Path and query of all requests. */
  readonly asked: URL[] = [];
  /** Answered in place of anything else. */
  refusal: { readonly status: number; readonly message: string } | undefined;
  /** Watches are open and tell nothing. */
  silent = false;
  /** No answer at all. */
  hanging = false;
  /** What the authorization header must be. */
  authorization: string | undefined;
  readonly #pods = new Map<string, FakePod>();
  readonly #changes: Change[] = [];
  readonly #watches = new Set<Watch>();
  readonly #server = createServer((request, response) => this.#answer(request, response));
  #version = 100;
  #compacted = 0;
  #uids = 0;

  static async start(): Promise<FakeKubernetes> {
    const fake = new FakeKubernetes();
    fake.#server.listen(0, '127.0.0.1');
    await once(fake.#server, 'listening');
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get cluster(): Cluster {
    return { server: new URL(this.url), from: 'a test', access: async () => ({ headers: {}, tls: {} }) };
  }

  get watches(): number {
    return this.#watches.size;
  }

  /** Makes a pod, or changes the one of that name. */
  set(name: string, fields: Partial<FakePod> = {}): void {
    const before = this.#pods.get(name);
    const fresh = { uid: `uid-${++this.#uids}`, namespace: 'default', ip: undefined, ready: true, deleting: false };
    const after = { ...fresh, labels: {}, annotations: {}, ...before, ...fields };
    this.#pods.set(name, after);
    this.#change({ name, before, after });
  }

  delete(name: string): void {
    const before = this.#pods.get(name);
    this.#pods.delete(name);
    this.#change({ name, before, after: undefined });
  }

  bookmark(): void {
    this.#version++;
    const object = { kind: 'Pod', metadata: { resourceVersion: String(this.#version) } };
    for (const { response } of this.#watches) send(response, 'BOOKMARK', object);
  }

  /** Versions until now are answered 410. */
  compact(): void {
    this.#compacted = ++this.#version;
  }

  dropWatches(): void {
    for (const { response } of this.#watches) response.destroy();
  }

  endWatches(): void {
    for (const { response } of this.#watches) response.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #change(change: Omit<Change, 'version'>): void {
    const told = { ...change, version: ++this.#version };
    this.#changes.push(told);
    if (!this.silent) for (const watch of this.#watches) tell(watch, told);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '', this.url);
    this.asked.push(url);
    if (this.hanging) return;
    const known = this.authorization === undefined || request.headers.authorization === this.authorization;
    const refusal = known ? this.refusal : { status: 401, message: 'Unauthorized' };
    if (refusal) {
      const { status: code, message } = refusal;
      response.writeHead(code).end(JSON.stringify({ kind: 'Status', code, message }));
      return;
    }
    const [, namespace] = /^\/api\/v1\/namespaces\/([^/]+)\/pods$/.exec(url.pathname) ?? [];
    const fits = selecting(url.searchParams.get('labelSelector') ?? '');
    const matches = (pod: FakePod | undefined) =>
      pod !== undefined && (!namespace || pod.namespace === namespace) && fits(pod.labels);
    if (url.searchParams.has('watch')) this.#watch(url.searchParams, { response, matches });
    else this.#list(url.searchParams, response, matches);
  }

  #list(query: URLSearchParams, response: ServerResponse, matches: Watch['matches']): void {
    const from = Number(query.get('continue') ?? 0);
    const most = Number(query.get('limit') ?? 1_000);
    const all = [...this.#pods].filter(([, pod]) => matches(pod));
    const items = all.slice(from, from + most).map(([name, pod]) => podObject(name, pod, this.#version));
    const more = all.length > from + most && { continue: String(from + most) };
    const metadata = { resourceVersion: String(this.#version), ...more };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ kind: 'PodList', metadata, items }));
  }

  #watch(query: URLSearchParams, watch: Watch): void {
    const { response } = watch;
    const from = Number(query.get('resourceVersion'));
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    if (from < this.#compacted) {
      send(response, 'ERROR', { kind: 'Status', code: 410, message: 'too old resource version' });
      response.end();
      return;
    }
    this.#watches.add(watch);
    response.once('close', () => this.#watches.delete(watch));
    if (!this.silent) for (const change of this.#changes) if (change.version > from) tell(watch, change);
  }
}

function tell({ response, matches }: Watch, { version, name, before, after }: Change): void {
  const [was, is] = [matches(before), matches(after)];
  if (is) send(response, was ? 'MODIFIED' : 'ADDED', podObject(name, after as FakePod, version));
  else if (was) send(response, 'DELETED', podObject(name, before as FakePod, version));
}

function send(response: ServerResponse, type: string, object: unknown): void {
  response.write(`${JSON.stringify({ type, object })}\n`);
}

function podObject(
  name: string,
  { uid, namespace, ip, ready, deleting, labels, annotations }: FakePod,
  version: number,
) {
  const deletion = deleting && { deletionTimestamp: new Date().toISOString(), deletionGracePeriodSeconds: 30 };
  return {
    metadata: { uid, name, namespace, labels, annotations, resourceVersion: String(version), ...deletion },
    status: {
      phase: 'Running',
      ...(ip && { podIP: ip }),
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  };
}

/** Requirements of the forms `key=value` and `key in (a,b)`. */
function selecting(selector: string): (labels: FakePod['labels']) => boolean {
  const requirements = [...selector.matchAll(/([^\s,=]+)(?:=([^,]*)| in \(([^)]*)\))/g)];
  return (labels) =>
    requirements.every(([, key = '', value, values]) => {
      const label = labels[key];
      return values === undefined ? label === value : label !== undefined && values.split(',').includes(label);
    });
}
