import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerHealth, type Standing } from './api/health.ts';
import type { Config } from './config/options.ts';
import { RouterError } from './errors.ts';
import { type Authorize, createAuthorize } from './http/auth.ts';
import { sendError } from './http/respond.ts';
import { routeOf } from './http/routes.ts';
import { listen } from './http/server.ts';
import type { Log } from './log.ts';
import { createPolicy } from './policies/index.ts';
import type { Policy } from './policies/policy.ts';
import { Admission } from './proxy/admit.ts';
import { DataPath } from './proxy/proxy.ts';
import { Slots } from './state/slots.ts';
import { askCapacity } from './workers/capacity.ts';
import { Loads } from './workers/loads.ts';
import { Registry } from './workers/registry.ts';
import type { Worker } from './workers/worker.ts';

/** Further fields for whoever asks while the router does not serve. */
type Details = () => Readonly<Record<string, unknown>>;

/** Binds the port and starts the router on it; workers named in the config are polled and serve as they come. */
export async function startRouter(config: Config, deps: { readonly log: Log }): Promise<Router> {
  const router = new Router(config, deps.log);
  await router.listen(config.host, config.port);
  for (const url of config.workerUrls) router.registry.add(url, { apiKey: config.apiKey });
  return router;
}

/** The composition root: configuration → state, registry, policy and data path, behind one port. */
export class Router {
  readonly registry: Registry;
  readonly admission: Admission;
  readonly #dataPath: DataPath;
  readonly #log: Log;
  #loads: Loads | undefined;
  #evictions: NodeJS.Timeout | undefined;
  readonly #authorize: Authorize;
  #server: Server | undefined;
  #url = '';
  #held: Details | undefined;
  #draining = false;
  #serving = 0;
  #idle: (() => void) | undefined;

  constructor(config: Config, log: Log) {
    const slots = new Slots();
    this.registry = new Registry(
      slots,
      {
        path: config.healthCheckEndpoint,
        intervalMs: config.workerStartupCheckIntervalMs,
        timeoutMs: config.healthCheckTimeoutMs,
        overdueMs: config.workerStartupTimeoutMs,
      },
      log,
    );
    this.#authorize = createAuthorize(config.apiKey);
    this.admission = new Admission({
      maxConcurrent: config.maxConcurrentRequests,
      queueSize: config.queueSize,
      queueTimeoutMs: config.queueTimeoutMs,
    });
    const policy = createPolicy(config.policy, config);
    this.#log = log;
    this.#feed(policy, config.evictionIntervalMs);
    this.#dataPath = new DataPath(config, {
      available: () => this.registry.available,
      closed: () => this.#closed(),
      policy,
      slots,
      admission: this.admission,
      log,
    });
  }

  /** Where it listens, as a client on this machine writes it. */
  get url(): string {
    return this.#url;
  }

  async listen(host: string, port: number): Promise<void> {
    this.#server = await listen(host, port, (request, response) => void this.#route(request, response));
    this.#url = urlOf(this.#server.address() as AddressInfo);
  }

  /** Until `release`, requests are answered 503 `starting` with Retry-After and `details`. */
  hold(details: Details): void {
    this.#held = details;
  }

  release(): void {
    this.#held = undefined;
  }

  /** Takes no new requests and waits for those in flight, `graceMs` at most; resolves with how many were left. */
  async drain(graceMs: number): Promise<number> {
    this.#draining = true;
    this.#server?.close();
    if (this.#serving > 0) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
        timer = setTimeout(resolve, graceMs);
      });
      clearTimeout(timer);
    }
    return this.#serving;
  }

  /** Ends everything at once. */
  async close(): Promise<void> {
    this.#loads?.close();
    clearInterval(this.#evictions);
    this.#server?.close();
    this.#server?.closeAllConnections();
    await this.registry.close();
  }

  /** Tells the policy what becomes of the workers, and what they say of themselves. */
  #feed(policy: Policy, evictionIntervalMs: number): void {
    if (policy.followsLoad) this.#loads = new Loads((worker, report) => policy.learned?.(worker, report), this.#log);
    this.registry.on('change', (worker) => {
      this.#loads?.changed(worker);
      if (!worker.available) policy.removed?.(worker);
      else if (policy.learned) void this.#learnCapacity(worker, policy);
    });
    this.registry.on('remove', (worker) => {
      this.#loads?.removed(worker);
      policy.removed?.(worker);
    });
    if (policy.evict) this.#evictions = setInterval(() => policy.evict?.(), evictionIntervalMs).unref();
  }

  async #learnCapacity(worker: Worker, policy: Policy): Promise<void> {
    try {
      const kvCapacityTokens = await askCapacity(worker);
      if (this.registry.workers.includes(worker)) policy.learned?.(worker, { kvCapacityTokens });
    } catch (error) {
      const problem = (error as Error).message;
      this.#log.warning('worker does not tell the size of its KV cache', { worker: worker.url, problem });
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = pathOf(request.url ?? '/');
    const kind = routeOf(path);
    if (kind === 'own') return answerHealth(path, this.#standing(), response);
    try {
      if (kind !== 'public') this.#authorize(request);
    } catch (error) {
      return sendError(response, error);
    }
    this.#serving++;
    await this.#dataPath.serve(request, response, kind === 'inference' && request.method !== 'GET');
    if (--this.#serving === 0) this.#idle?.();
  }

  #closed(): RouterError | undefined {
    if (this.#draining) return new RouterError('draining', 'the router is shutting down', { retryAfterSecs: 1 });
    if (!this.#held) return undefined;
    return new RouterError('starting', 'the servers are still starting; try again', {
      retryAfterSecs: 2,
      details: this.#held(),
    });
  }

  #standing(): Standing {
    const closed = this.#closed();
    return {
      healthyWorkers: this.registry.available.length,
      totalWorkers: this.registry.workers.length,
      waiting: this.registry.workers.flatMap(({ url, problem }) => (problem === undefined ? [] : { url, problem })),
      closed: closed && { reason: closed.message, details: closed.details ?? {} },
    };
  }
}

function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}

function urlOf({ address, port }: AddressInfo): string {
  const host = address === '0.0.0.0' || address === '::' ? '127.0.0.1' : address;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
