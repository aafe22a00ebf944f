import { randomUUID } from 'node:crypto';
import { INSTANCE, VIA } from '../http/instance.ts';
import type { WorkerClient } from '../http/upstream/worker-client.ts';
import type { AskedServer } from './ask.ts';
import type { ServerFacts } from './server-facts.ts';
import { type Role, UNKNOWN_MODEL, type WorkerSpec } from './worker-spec.ts';

/** Makes the connections to the worker at an origin. */
export type CreateClient = (origin: string, spec: WorkerSpec) => WorkerClient;

/** Who a worker is: its address, its connections, and what it says of itself. */
export class WorkerIdentity implements AskedServer {
  /** As given, without a trailing slash; the worker's name everywhere. */
  readonly url: string;
  /** Alike for every spelling of `url`. */
  readonly key: string;
  readonly id: string;
  readonly role: Role;
  /** Name or address in `url`, without brackets. */
  readonly host: string;
  /** Path of `url`, put before every request path; '' as a rule. */
  readonly basePath: string;
  readonly client: WorkerClient;
  /** The router has started it. */
  readonly isLaunched: boolean;
  /** As it was added, with what was changed since. */
  spec: WorkerSpec;
  /** What it says of itself, once it was asked. */
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

  /** What it says of itself against what it was given as; undefined where they agree or it does not say. */
  get mismatch(): string | undefined {
    const says = this.facts.disaggregationMode;
    const expected = this.role === 'regular' ? 'null' : this.role;
    if (says === undefined || says === expected) return undefined;
    const given = this.role === 'regular' ? 'a worker for whole requests' : `a ${this.role} server`;
    return `given as ${given}, but its disaggregation_mode is ${says}: expected ${expected}`;
  }

  /** The model's name: as given when it was added, else as the server tells, else `unknown`. */
  get modelId(): string {
    return (
      this.spec.modelId ??
      this.facts.servedModelName ??
      this.facts.modelPath ??
      this.facts.listedModels?.[0] ??
      UNKNOWN_MODEL
    );
  }

  /** Prefill: as given when it was added, else as the server tells; null where it has none. */
  get bootstrapPort(): number | null {
    const { bootstrapPort } = this.spec;
    if (this.role !== 'prefill') return null;
    return bootstrapPort === undefined ? (this.facts.bootstrapPort ?? null) : bootstrapPort;
  }

  /** The value of an `authorization` header; undefined where the worker has no key. */
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

/** Alike for all URLs of one server: the port that the scheme implies may be left out. What is no URL stays. */
export function keyOf(url: string): string {
  return URL.parse(nameOf(url))?.href ?? url;
}
