import { createClient, type WorkerClient } from '../http/client.ts';
import type { Slots } from '../state/slots.ts';

/** Where a worker stands. `starting` is polled until healthy; `failed` is known to be gone (its process ended). */
export type WorkerState =
  | { readonly kind: 'starting'; readonly sinceMs: number; readonly problem?: string }
  | { readonly kind: 'ready'; readonly sinceMs: number }
  | { readonly kind: 'failed'; readonly reason: string };

export interface WorkerOptions {
  /** Sent as a bearer token with the router's own calls to the worker. */
  readonly apiKey?: string | undefined;
}

/** What a worker tells its registry. */
export interface WorkerOwner {
  changed(worker: Worker): void;
  poll(worker: Worker): void;
}

/** One inference server: its address, connections, counters and lifecycle. */
export class Worker {
  /** As given, without a trailing slash; the worker's name everywhere. */
  readonly url: string;
  /** Path of `url`, put before every request path; '' as a rule. */
  readonly basePath: string;
  readonly client: WorkerClient;
  readonly slot: number;
  readonly controlHeaders: Readonly<Record<string, string>>;
  readonly #slots: Slots;
  readonly #owner: WorkerOwner;
  #state: WorkerState;

  constructor(url: string, options: WorkerOptions, slots: Slots, owner: WorkerOwner, nowMs: number) {
    const { origin, pathname } = new URL(url);
    this.url = url;
    this.basePath = pathname.replace(/\/+$/, '');
    this.client = createClient(origin);
    this.slot = slots.claim();
    this.controlHeaders = options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` };
    this.#slots = slots;
    this.#owner = owner;
    this.#state = { kind: 'starting', sinceMs: nowMs };
  }

  get state(): WorkerState {
    return this.#state;
  }

  set state(state: WorkerState) {
    this.#state = state;
    this.#owner.changed(this);
  }

  /** The one answer to "may it receive traffic". */
  get available(): boolean {
    return this.#state.kind === 'ready';
  }

  /** Why it gets no requests, in a few words; undefined when it does. */
  get problem(): string | undefined {
    if (this.#state.kind === 'ready') return undefined;
    return this.#state.kind === 'failed' ? this.#state.reason : (this.#state.problem ?? 'not asked yet');
  }

  /** Requests in flight. */
  get load(): number {
    return this.#slots.inFlight(this.slot);
  }

  /** Polls health now: something said that it may be ready. */
  poke(): void {
    this.#owner.poll(this);
  }

  /** A request could not be sent: no traffic until it answers a health check again. */
  unreachable(problem: string): void {
    if (this.#state.kind !== 'ready') return;
    this.state = { kind: 'starting', sinceMs: Date.now(), problem };
    this.#owner.poll(this);
  }
}
