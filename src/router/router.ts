import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Additions } from '../api/additions.ts';
import type { Dispatcher } from '../api/dispatcher.ts';
import { FanOutLimit } from '../api/fan-out-limit.ts';
import { createApi } from '../api/index.ts';
import { tellAll } from '../api/tell-all.ts';
import type { Config } from '../config/options.ts';
import type { Dashboard } from '../dashboard/dashboard.ts';
import type { Launch } from '../dashboard/launch.ts';
import { createFront, type DataParts } from '../data/create-front.ts';
import type { OwnAnswers } from '../data/front.ts';
import { ExitError, RouterError } from '../errors/errors.ts';
import { hopeless } from '../fleet/hopeless.ts';
import { Registry } from '../fleet/registry.ts';
import { ServedModels } from '../fleet/served-models.ts';
import { Slots } from '../fleet/slots.ts';
import { Reconciler } from '../fleet/sources/reconciler.ts';
import { type Closable, followRouters, openSources } from '../fleet/sources/sources.ts';
import type { WorkerSource } from '../fleet/sources/worker-source.ts';
import { keyOf } from '../fleet/worker-identity.ts';
import { createAuthorize } from '../http/auth.ts';
import { fewConnections, hasFilesToSpare } from '../http/edge/connection-limit.ts';
import { type HttpServer, listen } from '../http/edge/http-server.ts';
import { isLoopback, networkUrls, unreachable } from '../http/reach.ts';
import { readServingPair } from '../http/tls-files.ts';
import { readWorkerTls } from '../http/upstream/worker-tls.ts';
import type { Log } from '../observe/log/log.ts';
import { METRICS } from '../observe/metrics/table.ts';
import { Admission, type Readiness } from '../scheduler/admission.ts';
import { noWorker } from '../scheduler/choose.ts';
import { Announcements } from '../scheduler/peers/announcements.ts';
import type { PromptNeeds } from '../scheduler/policies/policy.ts';
import { areReady, type Pools } from '../scheduler/pools.ts';
import { Scheduler } from '../scheduler/scheduler.ts';
import { Owners } from '../scheduler/stored/owners.ts';
import type { ClientPort } from './client-port.ts';
import { Observing, type Watching } from './observing.ts';
import { openDashboard } from './open-dashboard.ts';
import { PolicyFeed } from './policy-feed.ts';
import { recipients } from './recipients.ts';
import { registryOptions } from './registry-options.ts';
import { createRouting, needsOf, type Routing } from './routing.ts';
import { SharedPolicies } from './shared-policies.ts';
import type { DataThreads } from './threads/data-threads.ts';
import { defaultThreads } from './threads/default-threads.ts';
import { followWorkers, indexBytesOf, viewsOf } from './worker-metrics.ts';

/** Further fields of answers while the router does not serve. */
type Details = () => Readonly<Record<string, unknown>>;

/** Binds the port and starts the router on it; workers named in the config are polled and serve as they come. `launched` more are added later. */
export async function startRouter(config: Config, watching: Watching, launched = 0): Promise<Router> {
  const sources = await openSources(config, process.env, watching.log);
  const router = new Router(config, watching.log, await Observing.open(config, watching));
  try {
    router.expectRoom(sources, launched);
    await router.listen(config);
    await router.followRouters(config, watching.log);
  } catch (error) {
    await router.close();
    throw error;
  }
  for (const source of sources) router.follow(source);
  return router;
}

/** Listening sockets, each of which takes one new connection per turn of the event loop. */
const LISTENING_SOCKETS = 8;
/** Time for requests that are cut to send their error. */
const CUT_MS = 1_000;
/** A client that reuses its connection has sent its next request this soon after an answer. */
const NEXT_REQUEST_MS = 250;

/** The composition root: configuration → state, registry, policy and data path, behind one port. */
export class Router {
  readonly registry: Registry;
  readonly admission: Admission;
  readonly #scheduler: Scheduler;
  readonly #dataParts: DataParts;
  readonly #needs: PromptNeeds;
  #threads: DataThreads | undefined;
  readonly #log: Log;
  readonly #feed: PolicyFeed;
  readonly #announcements = new Announcements();
  readonly #shared: SharedPolicies;
  #routers: Closable | undefined;
  readonly #api: Dispatcher;
  readonly #dashboard: Dashboard;
  readonly #observing: Observing;
  readonly #reconciler: Reconciler;
  #server: ClientPort | undefined;
  #url = '';
  #networkUrls: readonly string[] = [];
  #onLoopback = true;
  #warnings: readonly string[] = [];
  #held: Details | undefined;
  #launch: Launch | undefined;

  constructor(config: Config, log: Log, observing: Observing) {
    const slots = new Slots();
    this.registry = new Registry(slots, registryOptions(config), log);
    this.#reconciler = new Reconciler(this.registry, log);
    this.#observing = observing;
    const { registry } = this;
    const models = new ServedModels(registry, log);
    const { pools, policies } = createRouting(config, registry, models);
    const readiness = this.#readiness(pools, (model) => hopeless(registry, models, policies.keys(), model));
    this.admission = new Admission(config, readiness, log);
    const additions = new Additions(registry, log);
    const shared = {
      registry,
      authorize: createAuthorize(config),
      additions,
      closed: () => this.#closed(),
      launch: () => this.#launch,
    };
    this.#dashboard = openDashboard({
      ...shared,
      policies,
      models,
      observer: observing.observer,
      inFlight: () => this.admission.inFlight,
      queued: () => this.admission.queued,
      connections: () => this.#server?.connections ?? 0,
    });
    this.#api = createApi({
      ...shared,
      config,
      dashboard: this.#dashboard,
      roles: [...policies.keys()],
      missing: () => readiness.missing(),
      unserved: (worker) => models.unserved(worker),
      sources: () => this.#reconciler.sources,
      tellChoices: (reply) => this.#announcements.follow(reply),
      metrics: observing.observer.metrics,
      log,
    });
    for (const event of ['change', 'learned'] as const) registry.on(event, () => this.admission.reconsider());
    this.#log = log;
    this.#feed = new PolicyFeed(policies, registry, config, log);
    const peerOptions = { apiKey: adminKeyOf(config), tls: readWorkerTls(config) };
    this.#shared = new SharedPolicies({ policies, registry, teller: this.#announcements }, peerOptions, log);
    this.#measure(policies, models);
    this.#scheduler = new Scheduler({
      options: config,
      pools,
      slots,
      readiness,
      admission: this.admission,
      models,
      servers: { up: () => registry.workers.filter(({ up }) => up) },
      owners: new Owners(),
      observer: observing.observer,
      log,
    });
    const ownAnswers = this.#ownAnswers(config, models, readiness.missing);
    this.#dataParts = { scheduling: this.#scheduler, ownAnswers, log };
    this.#needs = config.recordTrace === undefined ? needsOf(policies.values()) : 'text';
    registry.on('closed', ({ serverId }, error) => this.#threads?.closeServer(serverId, error));
  }

  /** Checks, before anything starts, that all workers of the sources and `more` fit; throws a usage error otherwise. */
  expectRoom(sources: readonly WorkerSource[], more: number): void {
    const named = sources.flatMap(({ named = [] }) => named.map(({ url }) => keyOf(url)));
    try {
      this.registry.expectRoom(new Set(named).size + more);
    } catch (error) {
      const hint = 'serve more of them with further routers';
      throw new ExitError('usage', (error as RouterError).message, { hint, cause: error });
    }
  }

  /** The router's URL for clients on this machine. */
  get url(): string {
    return this.#url;
  }

  /** Whether the router has not begun to shut down. */
  get isOpen(): boolean {
    return this.admission.closed === undefined;
  }

  /** The router's URLs for other machines, if they can reach it. */
  get networkUrls(): readonly string[] {
    return this.#networkUrls;
  }

  /** Whether only this machine reaches the router. */
  get onLoopback(): boolean {
    return this.#onLoopback;
  }

  /** Requests that are being served. */
  get serving(): number {
    return this.#scheduler.serving;
  }

  /** For start-up: that other machines cannot reach the router, that few clients can be connected. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** Listens in threads of its own, or in those of `owner`. */
  async listen(config: Config, owner?: Router): Promise<void> {
    const { host, dataThreads = defaultThreads(), tlsCertPath } = config;
    this.#server = dataThreads === 1 ? await this.#serveHere(config) : await this.#serveIn(dataThreads, config, owner);
    this.#url = urlOf(this.#server.address(), tlsCertPath === undefined ? 'http' : 'https');
    this.#networkUrls = networkUrls(this.#url, host);
    this.#onLoopback = isLoopback(host);
    const warnings = [unreachable(host), fewConnections(dataThreads, config.maxConcurrentRequests)];
    this.#warnings = warnings.filter((warning) => warning !== undefined);
    await this.#observing.listen(config);
  }

  #serveHere(config: Config): Promise<HttpServer> {
    const { host, port, tlsCertPath, tlsKeyPath, uploadTimeoutMs, maxHeldPayloadBytes } = config;
    const front = createFront(config, this.#dataParts);
    return listen(host, port, (request, reply) => front.serve(request, reply), {
      log: this.#log,
      tls: readServingPair(tlsCertPath, tlsKeyPath),
      limits: { uploadTimeoutMs, maxHeldBytes: maxHeldPayloadBytes },
      sockets: hasFilesToSpare() ? LISTENING_SOCKETS : 1,
    });
  }

  async #serveIn(count: number, config: Config, owner?: Router): Promise<DataThreads> {
    const gapBounds = METRICS.interToken.buckets;
    const { DataThreads } = await import('./threads/data-threads.ts');
    const parts = { ...this.#dataParts, needs: this.#needs, gapBounds };
    const threads = await DataThreads.open(count, config, parts, owner === undefined ? undefined : owner.#threads);
    this.#threads = threads;
    for (const event of ['change', 'learned'] as const) this.registry.on(event, () => threads.share());
    return threads;
  }

  /** Tells the policies what neighbouring routers choose. */
  async followRouters(config: Config, log: Log): Promise<void> {
    this.#routers = await followRouters(config, process.env, (urls) => this.#shared.follow(urls), log);
  }

  /** Adds a source of workers. */
  follow(source: WorkerSource): void {
    this.#reconciler.follow(source);
  }

  /** Shows the servers of a launch on the dashboard. */
  show(launch: Launch): void {
    this.#launch = launch;
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
   * Shuts down: answers new and waiting requests with 503, serves one more on each open connection, as its client knows no other router,
   * and waits up to `graceMs` for those in flight. Cuts the rest with an error, stops listening, and resolves with how many it cut.
   */
  async drain(graceMs: number): Promise<number> {
    const endMs = performance.now() + graceMs;
    const leaving = this.#server?.leave();
    if (leaving) await leaving;
    this.admission.close(new RouterError('draining', 'the router is shutting down', { retryAfterSecs: 1 }));
    this.#threads?.share();
    await this.#scheduler.whenIdle(graceMs);
    while (performance.now() < endMs && (await this.#server?.awaitsLast(NEXT_REQUEST_MS))) {
      await delay(NEXT_REQUEST_MS / 10);
      await this.#scheduler.whenIdle(endMs - performance.now());
    }
    this.#server?.close();
    const left = this.#scheduler.serving;
    if (left > 0) {
      await this.registry.close(new RouterError('draining', 'the router shut down before the answer was whole'));
      await this.#scheduler.whenIdle(CUT_MS);
    }
    return left;
  }

  /** Ends one of the data threads as an error in it would; another takes its place. */
  endDataThread(index: number): void {
    this.#threads?.kill(index);
  }

  /** Ends everything at once. */
  async close(): Promise<void> {
    this.#reconciler.close();
    this.#feed.close();
    this.#routers?.close();
    this.#shared.close();
    this.#announcements.close();
    this.#dashboard.close();
    this.#server?.close();
    this.#server?.closeAllConnections();
    await Promise.all([this.registry.close(), this.#observing.close()]);
  }

  /** Connects the metrics with what they read at each scrape. */
  #measure(policies: Routing['policies'], models: ServedModels): void {
    const { registry, admission } = this;
    const { metrics } = this.#observing.observer;
    followWorkers(metrics, registry, models);
    metrics.watch({
      workers: () => viewsOf(registry, policies),
      inFlight: () => admission.inFlight,
      queued: () => admission.queued,
      connections: () => this.#server?.connections ?? 0,
      indexBytes: () => indexBytesOf(policies),
      routersHeard: () => this.#shared.routersHeard,
      sources: () => this.#reconciler.sources,
    });
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

  /** Makes the handlers for what the router answers itself or with all workers together. */
  #ownAnswers(config: Config, models: ServedModels, missing: Readiness['missing']): OwnAnswers {
    const parts = {
      maxPayloadBytes: config.maxPayloadBytes,
      requestTimeoutMs: config.requestTimeoutMs,
      fanOutLimit: new FanOutLimit(),
      log: this.#log,
      ...recipients(this.registry, models, { starting: () => this.#starting(), missing }, this.#log),
    };
    return async (request, reply, begun) => {
      if (begun.found.endpoint.to === 'router') return this.#api.serve(begun.found, request, reply);
      return tellAll(request, reply, begun, parts);
    };
  }

  /** Tells whether there are workers to ask; none while the router is held. */
  #readiness(pools: Pools, never: Readiness['hopeless']): Readiness {
    return {
      isReady: (model) => this.#held === undefined && areReady(pools.values(), model),
      missing: (model) => this.#starting() ?? never(model) ?? noWorker(model),
      hopeless: (model) => (this.#held === undefined ? never(model) : undefined),
    };
  }
}

/** The key that a router with the same configuration accepts on admin routes. */
function adminKeyOf({ apiKey, controlPlaneApiKeys }: Config): string | undefined {
  return controlPlaneApiKeys.length > 0 ? controlPlaneApiKeys.find(({ role }) => role === 'admin')?.key : apiKey;
}

function urlOf({ address, port }: AddressInfo, scheme: 'http' | 'https'): string {
  const host = address === '0.0.0.0' || address === '::' ? '127.0.0.1' : address;
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
