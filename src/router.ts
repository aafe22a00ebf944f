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
import { Admission } from './proxy/admit.ts';
import { DataPath } from './proxy/proxy.ts';
import { Slots } from './state/slots.ts';
import { Registry } from './workers/registry.ts';

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
    this.#dataPath = new DataPath(config, {
      available: () => this.registry.available,
      closed: () => this.#closed(),
      policy: createPolicy(config.policy),
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
    this.#server?.close();
    this.#server?.closeAllConnections();
    await this.registry.close();
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
