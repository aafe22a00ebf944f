import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Dispatcher } from './api/dispatcher.ts';
import { createApi } from './api/index.ts';
import type { Config } from './config/options.ts';
import { FileWorkers } from './discovery/file-workers.ts';
import { RouterError } from './errors.ts';
import { type Authorize, createAuthorize } from './http/auth.ts';
import { createClient } from './http/client.ts';
import { pathOf } from './http/path.ts';
import { sendError } from './http/respond.ts';
import { routeOf } from './http/routes.ts';
import { listen } from './http/server.ts';
import { readServingPair } from './http/tls-files.ts';
import { readWorkerTls } from './http/worker-tls.ts';
import type { Log } from './log.ts';
import { createPolicy } from './policies/index.ts';
import type { Policy, WorkerFacts } from './policies/policy.ts';
import { Admission, type Somebody } from './proxy/admit.ts';
import { noWorker } from './proxy/choose.ts';
import type { Plan } from './proxy/plans/plan.ts';
import { RegularPlan } from './proxy/plans/regular.ts';
import { DataPath } from './proxy/proxy.ts';
import { Slots } from './state/slots.ts';
import { Loads } from './workers/loads.ts';
import { Registry, type RegistryOptions } from './workers/registry.ts';
import type { Worker } from './workers/worker.ts';

/** Further fields for whoever asks while the router does not serve. */
type Details = () => Readonly<Record<string, unknown>>;

/** Binds the port and starts the router on it; workers named in the config are polled and serve as they come. */
export async function startRouter(config: Config, deps: { readonly log: Log }): Promise<Router> {
  const fileWorkers = await openWorkersFile(config, deps.log);
  const router = new Router(config, deps.log);
  await router.listen(config);
  for (const url of config.workerUrls) router.registry.add({ url, apiKey: config.apiKey, source: 'static' });
  if (fileWorkers) router.follow(fileWorkers);
  return router;
}

async function openWorkersFile({ workersFile, apiKey }: Config, log: Log): Promise<FileWorkers | undefined> {
  return workersFile === undefined ? undefined : FileWorkers.open({ path: workersFile, apiKey, env: process.env }, log);
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
  readonly #api: Dispatcher;
  #fileWorkers: FileWorkers | undefined;
  #server: Server | undefined;
  #url = '';
  #held: Details | undefined;
  #serving = 0;
  #idle: (() => void) | undefined;

  constructor(config: Config, log: Log) {
    const slots = new Slots();
    this.registry = new Registry(slots, registryOptions(config), log);
    this.#authorize = createAuthorize(config.apiKey);
    this.#api = createApi({
      config,
      registry: this.registry,
      authorize: this.#authorize,
      roles: ['regular'],
      closed: () => this.#closed(),
      log,
    });
    const policy = createPolicy(config.policy, config);
    const plan = new RegularPlan({ targets: this.registry, policy, slots, timeouts: config, log });
    const somebody = this.#somebody(plan);
    this.admission = new Admission(config, somebody);
    this.registry.on('available', () => this.admission.pump());
    this.#log = log;
    this.#feed(policy, config.evictionIntervalMs);
    this.#dataPath = new DataPath(config, { plan, somebody, admission: this.admission, log });
  }

  /** Where it listens, as a client on this machine writes it. */
  get url(): string {
    return this.#url;
  }

  async listen({ host, port, tlsCertPath, tlsKeyPath }: Config): Promise<void> {
    const tls = readServingPair(tlsCertPath, tlsKeyPath);
    const handler = (request: IncomingMessage, response: ServerResponse) => this.#route(request, response);
    this.#server = await listen(host, port, handler, { log: this.#log, tls });
    this.#url = urlOf(this.#server.address() as AddressInfo, tls ? 'https' : 'http');
  }

  /** Serves with the workers of a file too. */
  follow(fileWorkers: FileWorkers): void {
    this.#fileWorkers = fileWorkers;
    fileWorkers.follow(this.registry);
  }

  /** Until `release`, requests wait; those that cannot are answered 503 `starting` with Retry-After and `details`. */
  hold(details: Details): void {
    this.#held = details;
  }

  release(): void {
    this.#held = undefined;
    this.admission.pump();
  }

  /**
   * Answers new requests and those that wait with 503, so that whoever sends them sees it, and waits for those in flight,
   * `graceMs` at most; resolves with how many were left, and listens no more.
   */
  async drain(graceMs: number): Promise<number> {
    this.admission.close(new RouterError('draining', 'the router is shutting down', { retryAfterSecs: 1 }));
    if (this.#serving > 0) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
        timer = setTimeout(resolve, graceMs);
      });
      clearTimeout(timer);
    }
    this.#server?.close();
    return this.#serving;
  }

  /** Ends everything at once. */
  async close(): Promise<void> {
    this.#fileWorkers?.close();
    this.#loads?.close();
    clearInterval(this.#evictions);
    this.#server?.close();
    this.#server?.closeAllConnections();
    await this.registry.close();
  }

  /** Tells the policy what becomes of the workers, and what they say of themselves. */
  #feed(policy: Policy, evictionIntervalMs: number): void {
    const { registry } = this;
    if (policy.followsLoad) {
      const loads = new Loads((worker, report) => tell(policy, worker, report), this.#log);
      registry.on('change', (worker) => loads.changed(worker)).on('remove', (worker) => loads.removed(worker));
      this.#loads = loads;
    }
    for (const event of ['lost', 'remove'] as const) {
      registry.on(event, ({ targets }) => {
        for (const target of targets) policy.removed?.(target);
      });
    }
    if (policy.learned) registry.on('learned', (worker) => this.#learned(policy, worker));
    if (policy.evict) this.#evictions = setInterval(() => policy.evict?.(), evictionIntervalMs).unref();
  }

  #learned(policy: Policy, worker: Worker): void {
    const { kvCapacityTokens, problem } = worker.facts;
    if (kvCapacityTokens !== undefined) tell(policy, worker, { kvCapacityTokens });
    else this.#log.warning('worker does not tell the size of its KV cache', { worker: worker.url, problem });
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = pathOf(request.url ?? '/');
    const answered = this.#api.answer(path, request, response);
    if (answered) return answered;
    const kind = routeOf(path);
    try {
      if (kind !== 'public') this.#authorize(request);
    } catch (error) {
      return sendError(response, error);
    }
    this.#serving++;
    const reads = request.method === 'GET' || request.method === 'HEAD';
    const admitted = kind === 'inference' && !reads;
    await this.#dataPath.serve(request, response, { admitted, repeatable: admitted || reads });
    if (--this.#serving === 0) this.#idle?.();
  }

  #closed(): RouterError | undefined {
    return this.admission.closed ?? this.#starting();
  }

  #starting(): RouterError | undefined {
    if (!this.#held) return undefined;
    return new RouterError('starting', 'the servers are still starting; try again', {
      retryAfterSecs: 2,
      details: this.#held(),
    });
  }

  /** While the router is held there is nobody to ask, whatever workers there are. */
  #somebody(plan: Plan): Somebody {
    const isHeld = () => this.#held !== undefined;
    return {
      get there() {
        return !isHeld() && plan.ready;
      },
      missing: () => this.#starting() ?? noWorker(),
    };
  }
}

function registryOptions(config: Config): RegistryOptions {
  const tls = readWorkerTls(config);
  return {
    // A server that we started is on our own loopback interface, with a certificate for some other name.
    createClient: (origin, { source }) =>
      createClient(origin, source === 'launch' ? { ...tls, rejectUnauthorized: false } : tls),
    health: {
      path: config.healthCheckEndpoint,
      intervalMs: config.healthCheckIntervalMs,
      timeoutMs: config.healthCheckTimeoutMs,
      failureThreshold: config.healthFailureThreshold,
      successThreshold: config.healthSuccessThreshold,
      disabled: config.disableHealthCheck,
      startupIntervalMs: config.workerStartupCheckIntervalMs,
      overdueMs: config.workerStartupTimeoutMs,
    },
    breaker: {
      failureThreshold: config.disableCircuitBreaker ? Number.POSITIVE_INFINITY : config.cbFailureThreshold,
      successThreshold: config.cbSuccessThreshold,
      timeoutMs: config.cbTimeoutDurationMs,
      windowMs: config.cbWindowDurationMs,
    },
  };
}

function tell(policy: Policy, { targets }: Worker, facts: WorkerFacts): void {
  for (const target of targets) policy.learned?.(target, facts);
}

function urlOf({ address, port }: AddressInfo, scheme: 'http' | 'https'): string {
  const host = address === '0.0.0.0' || address === '::' ? '127.0.0.1' : address;
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
