import { randomUUID } from 'node:crypto';
import { INSTANCE, VIA } from '../http/instance.ts';
import type { WorkerClient } from '../http/upstream/worker-client.ts';
import type { AskedServer } from './ask.ts';
import type { ServerFacts } from './server-facts.ts';
import { type Role, UNKNOWN_MODEL, type WorkerSpec } from './worker-spec.ts';

/** Makes the connections to the worker at an origin. */
export type CreateClient = (origin: string, spec: WorkerSpec) => WorkerClient;

let added = 0;

/** A worker's address, its connections, and what it says of itself. */
export class WorkerIdentity implements AskedServer {
  /** As given, without a trailing slash; the worker's name everywhere. */
  readonly url: string;
  /** The same for every spelling of `url`. */
  readonly key: string;
  readonly id: string;
  /** Another number for each worker, also for one that is added again at the same URL. */
  readonly serverId = ++added;
  readonly role: Role;
  /** Name or address in `url`, without brackets. */
  readonly host: string;
  /** Path of `url`, put before every request path; '' as a rule. */
  readonly basePath: string;
  readonly client: WorkerClient;
  /** Whether this router started the worker. */
  readonly isLaunched: boolean;
  /** The spec with which it was added, with later changes. */
  spec: WorkerSpec;
  /** Facts that it tells of itself, once asked. */
  facts: ServerFacts = {};

  constructor(spec: WorkerSpec, createClient: CreateClient) {
    const { origin, hostname, pathname } = new URL(spec.url);
    this.url = nameOf(spec.url);
    this.key = keyOf(spec.url);
    this.id = spec.id ?? randomUUID();
    this.role = spec.role ?? 'regular';
    this.host = hostname.replace(/^\[|\]$/g, '');
    this.basePath = pathname.replace(/\/+$/, '');
    this.client = createClient(origin, spec);
    this.isLaunched = spec.source === 'launch';
    this.spec = spec;
  }

  /** How its facts contradict its spec; undefined if they do not. */
  get mismatch(): string | undefined {
    const says = this.facts.disaggregationMode;
    const expected = this.role === 'regular' ? 'null' : this.role;
    if (says === undefined || says === expected) return undefined;
    const given = this.role === 'regular' ? 'a worker for whole requests' : `a ${this.role} server`;
    return `given as ${given}, but its disaggregation_mode is ${says}: expected ${expected}`;
  }

  /** The model's name: from the spec, else from the server, else `unknown`. */
  get modelId(): string {
    return (
      this.spec.modelId ??
      this.facts.servedModelName ??
      this.facts.modelPath ??
      this.facts.listedModels?.[0] ??
      UNKNOWN_MODEL
    );
  }

  /** The bootstrap port: from the spec, else from the server; null if it has none. */
  get bootstrapPort(): number | null {
    const { bootstrapPort } = this.spec;
    if (this.role !== 'prefill') return null;
    return bootstrapPort === undefined ? (this.facts.bootstrapPort ?? null) : bootstrapPort;
  }

  /** The worker's `authorization` header; undefined without a key. */
  get authorization(): string | undefined {
    return this.spec.apiKey === undefined ? undefined : `Bearer ${this.spec.apiKey}`;
  }

  /** Headers of the router's own questions. */
  get controlHeaders(): Readonly<Record<string, string>> {
    const { authorization } = this;
    const own = { [VIA]: INSTANCE };
    return authorization === undefined ? own : { ...own, authorization };
  }
}

/** The name of a worker with that URL. */
export function nameOf(url: string): string {
  return url.replace(/\/+$/, '');
}

/** The same for all URLs of one server, with or without a default port; any other text stays. */
export function keyOf(url: string): string {
  return URL.parse(nameOf(url))?.href ?? url;
}
