import { RouterError } from '../errors/errors.ts';
import type { Cancellable } from '../link/cancellable.ts';
import type { Log } from '../observe/log/log.ts';
import { TokenBucket } from './token-bucket.ts';

interface AdmissionLimits {
  /** Most requests in flight; 0 or less lifts the cap. */
  readonly maxConcurrentRequests: number;
  /** Requests admitted a second on average; undefined or 0 lifts the limit. */
  readonly rateLimitTokensPerSecond: number | undefined;
  /** Most requests that may wait. */
  readonly queueSize: number;
  /** Longest wait in the queue; a request's own time-out if undefined. */
  readonly queueTimeoutMs: number | undefined;
  readonly requestTimeoutMs: number;
}

/** Whether there is a worker to ask, at all or for a model. */
export interface Readiness {
  isReady(model?: string): boolean;
  /** The error for a request while there is no worker. */
  missing(model?: string): RouterError;
  /** The error for a request that would wait for a worker in vain; undefined where waiting may help. */
  hopeless(model?: string): RouterError | undefined;
}

/** A request that asks to be admitted. */
export interface Applicant {
  /** The client connected before the router began to shut down. */
  readonly last: boolean;
  /** The admission in which the request holds a place; undefined while it holds none. */
  admittedBy: Admission | undefined;
  /** What to cancel if the client leaves now. */
  ongoing: Cancellable | undefined;
}

/** Delay from the first waiting request to the log line that counts them, so that a burst is one line. */
const BURST_MS = 1_000;

interface Waiter {
  /** The model whose workers it waits for; undefined for any. */
  readonly model: string | undefined;
  readonly admit: () => void;
  readonly refuse: (error: RouterError) => void;
}

/** Admits a request in its turn, when the cap, the rate and the workers allow it; until then it waits in a bounded first-in first-out queue. */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #readiness: Readiness;
  readonly #bucket: TokenBucket | undefined;
  /** A Set keeps insertion order and gives up a waiter in the middle at no cost. */
  readonly #queue = new Set<Waiter>();
  /** Requests that were admitted and then found no worker; they go first. */
  readonly #stranded = new Set<Waiter>();
  #inFlight = 0;
  #closed: RouterError | undefined;
  #refill: NodeJS.Timeout | undefined;
  readonly #log: Log;
  readonly #queueTimeoutMs: number;
  /** Most requests that the cap made wait, until the log has told of it. */
  #mostQueued = 0;
  #toldOfCap: NodeJS.Timeout | undefined;

  /** `reconsider` must be called when the workers change. `now`: milliseconds that never run backwards. */
  constructor(limits: AdmissionLimits, readiness: Readiness, log: Log, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#readiness = readiness;
    this.#log = log;
    this.#queueTimeoutMs = limits.queueTimeoutMs ?? limits.requestTimeoutMs;
    if (limits.rateLimitTokensPerSecond) this.#bucket = new TokenBucket(limits.rateLimitTokensPerSecond, now);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get queued(): number {
    return this.#queue.size;
  }

  /** Why new requests are refused; undefined while open. */
  get closed(): RouterError | undefined {
    return this.#closed;
  }

  /** Admits the request now (undefined) or later (a promise). Rejects when the queue is full or the wait too long; resolves at once when the client leaves. */
  enter(request: Applicant): Promise<void> | undefined {
    if (this.#closed) {
      if (!request.last || !this.#opens()) return Promise.reject(this.#closed);
      this.#hold(request);
      return undefined;
    }
    if (this.#queue.size > 0) this.pump();
    if (this.#queue.size === 0 && this.#opens()) {
      this.#hold(request);
      return undefined;
    }
    const refusal = this.#mayNotWait();
    return refusal ? Promise.reject(refusal) : this.#wait(this.#queue, request, undefined);
  }

  /** The error of `enter` if a request came now; undefined where it would be admitted or wait. */
  refusal({ last }: Pick<Applicant, 'last'>): RouterError | undefined {
    if (this.#closed) return last ? undefined : this.#closed;
    if (this.#queue.size > 0) this.pump();
    const isNext = this.#queue.size === 0 && (this.#bucket?.waitMs ?? 0) === 0;
    return isNext && !this.#isFull() && this.#readiness.isReady() ? undefined : this.#mayNotWait();
  }

  #mayNotWait(): RouterError | undefined {
    const never = this.#never();
    if (never) return never;
    const { queueSize } = this.#limits;
    if (queueSize <= 0 || this.#queueTimeoutMs <= 0)
      return this.#notAdmitted('none may wait (--queue-size, --queue-timeout-secs)');
    return this.#queue.size >= queueSize ? full(`${queueSize} requests wait (--queue-size)`) : undefined;
  }

  /**
   * Waits for a worker, for a request in flight. Its place is given up meanwhile: requests for a model that is down must not keep
   * others out. Rejects when that takes longer than the queue allows.
   */
  awaitWorker(request: Applicant, model: string | undefined): Promise<void> | undefined {
    if (this.#readiness.isReady(model)) return undefined;
    if (this.#closed) return Promise.reject(this.#closed);
    const never = this.#never(model);
    if (never) return Promise.reject(never);
    if (this.#stranded.size >= this.#limits.queueSize || this.#queueTimeoutMs <= 0)
      return Promise.reject(this.#readiness.missing(model));
    const wait = this.#wait(this.#stranded, request, model);
    this.leave(request);
    return wait;
  }

  /** The request is over: gives its place to the next one. */
  leave(request: Applicant): void {
    request.admittedBy = undefined;
    const wasFull = this.#isFull();
    this.#inFlight--;
    if (this.#queue.size > 0 || (wasFull && this.#stranded.size > 0)) this.pump();
  }

  /** The workers have changed: refuses requests that wait in vain, and admits those that may pass now. */
  reconsider(): void {
    const never = new Map<string | undefined, RouterError | undefined>();
    for (const waiter of [...this.#stranded, ...this.#queue]) {
      const { model } = waiter;
      if (!never.has(model)) never.set(model, this.#never(model));
      const error = never.get(model);
      if (error) waiter.refuse(error);
    }
    this.pump();
  }

  #never(model?: string): RouterError | undefined {
    return this.#readiness.isReady(model) ? undefined : this.#readiness.hopeless(model);
  }

  /** Admits requests that may pass now. */
  pump(): void {
    if (this.#stranded.size > 0) this.#rescue();
    while (this.#queue.size > 0 && this.#opens()) {
      const [next] = this.#queue;
      next?.admit();
    }
    if (this.#queue.size > 0) this.#pumpWhenRefilled();
  }

  #rescue(): void {
    const missing = new Set<string | undefined>();
    for (const waiter of this.#stranded) {
      if (this.#isFull()) return;
      if (missing.has(waiter.model)) continue;
      if (this.#readiness.isReady(waiter.model)) waiter.admit();
      else missing.add(waiter.model);
    }
  }

  /** Refuses waiting and new requests, except the last request of each connection while there is a place. */
  close(reason: RouterError): void {
    this.#closed = reason;
    clearTimeout(this.#refill);
    for (const waiter of [...this.#stranded, ...this.#queue]) waiter.refuse(reason);
  }

  /** Whether one more request may pass; takes its rate token if so. */
  #opens(): boolean {
    return !this.#isFull() && this.#readiness.isReady() && (this.#bucket?.take() ?? true);
  }

  #isFull(): boolean {
    const { maxConcurrentRequests } = this.#limits;
    return maxConcurrentRequests > 0 && this.#inFlight >= maxConcurrentRequests;
  }

  #pumpWhenRefilled(): void {
    clearTimeout(this.#refill);
    if (!this.#bucket || this.#isFull() || !this.#readiness.isReady()) return;
    this.#refill = setTimeout(() => this.pump(), Math.max(1, this.#bucket.waitMs));
  }

  #hold(request: Applicant): void {
    this.#inFlight++;
    request.admittedBy = this;
  }

  #wait(queue: Set<Waiter>, request: Applicant, model: string | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const queueTimeoutMs = this.#queueTimeoutMs;
      const end = () => {
        clearTimeout(timer);
        queue.delete(waiter);
        request.ongoing = undefined;
      };
      const waiter: Waiter = {
        model,
        admit: () => {
          end();
          this.#hold(request);
          resolve();
        },
        refuse: (error) => {
          end();
          reject(error);
        },
      };
      const waited = `it waited ${queueTimeoutMs / 1_000} s (--queue-timeout-secs)`;
      const timer = setTimeout(() => waiter.refuse(this.#notAdmitted(waited, model)), queueTimeoutMs);
      const cancel = () => {
        end();
        resolve();
      };
      request.ongoing = { cancel };
      queue.add(waiter);
      if (queue !== this.#queue) return;
      if (this.#isFull()) this.#noteCap();
      this.#pumpWhenRefilled();
    });
  }

  /** Logs once that the cap makes requests wait, which users may not expect; later the metrics tell. */
  #noteCap(): void {
    this.#mostQueued = Math.max(this.#mostQueued, this.#queue.size);
    this.#toldOfCap ??= setTimeout(() => {
      this.#log.warning('requests wait for a free place; --max-concurrent-requests -1 lifts the cap', {
        waited: this.#mostQueued,
        maxConcurrentRequests: this.#limits.maxConcurrentRequests,
      });
    }, BURST_MS).unref();
  }

  /** The error for a request that was not admitted: what it waited for, and how the wait ended. */
  #notAdmitted(ending: string, model?: string): RouterError {
    if (!this.#readiness.isReady(model)) return this.#readiness.missing(model);
    const { maxConcurrentRequests, rateLimitTokensPerSecond } = this.#limits;
    if (this.#isFull())
      return full(`${maxConcurrentRequests} requests are in flight (--max-concurrent-requests), ${ending}`);
    return full(`${rateLimitTokensPerSecond} requests a second are let in (--rate-limit-tokens-per-second), ${ending}`);
  }
}

function full(reason: string): RouterError {
  return new RouterError('too_many_requests', `the router is full: ${reason}; try again`, { retryAfterSecs: 1 });
}
