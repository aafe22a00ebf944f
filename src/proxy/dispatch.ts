import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { RouterError } from '../errors.ts';
import { requestHeaders } from '../http/headers.ts';
import type { Exchange } from './exchange.ts';
import type { Lease } from './lease.ts';
import { Relay } from './relay.ts';

/** How one attempt ended. After `failed` with `started` the client has part of an answer, so nobody else may be asked. */
export type Outcome =
  | { readonly kind: 'answered'; readonly status: number }
  | { readonly kind: 'client_gone' }
  | { readonly kind: 'failed'; readonly error: Error; readonly started: boolean };

type Controller = Dispatcher.DispatchController;

/** Sends the exchange to the worker of the lease and relays the answer; resolves when it has ended, however it did. */
export function dispatch(lease: Lease, exchange: Exchange, timeoutMs: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const target = lease.choice.candidate;
    const { request, body } = exchange;
    const call = new Call(lease, exchange, timeoutMs, resolve);
    target.client.dispatch(
      {
        path: target.basePath + originForm(request.url ?? '/'),
        method: request.method as Dispatcher.HttpMethod,
        headers: requestHeaders(request.headers),
        body: body.length > 0 ? body : null,
      },
      call,
    );
  });
}

/** `http://host/path` in a request line means `/path` here: the worker is ours to choose. */
function originForm(url: string): string {
  if (url.startsWith('/')) return url;
  return URL.canParse(url) ? url.slice(new URL(url).origin.length) || '/' : '/';
}

/** One call to a worker, as undici drives it. */
class Call implements Dispatcher.DispatchHandler {
  readonly #lease: Lease;
  readonly #exchange: Exchange;
  readonly #relay: Relay;
  readonly #resolve: (outcome: Outcome) => void;
  readonly #deadline: NodeJS.Timeout;
  #controller: Controller | undefined;
  #status = 0;
  #stopped: Outcome | undefined;

  constructor(lease: Lease, exchange: Exchange, timeoutMs: number, resolve: (outcome: Outcome) => void) {
    this.#lease = lease;
    this.#exchange = exchange;
    this.#relay = new Relay(exchange.response);
    this.#resolve = resolve;
    this.#deadline = setTimeout(() => this.#stop(this.#timedOut(timeoutMs)), timeoutMs);
    exchange.onGone = () => this.#stop({ kind: 'client_gone' });
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.#stopped) controller.abort(new Error('not wanted any more'));
  }

  onResponseStart(_: Controller, status: number, headers: IncomingHttpHeaders, statusText?: string): void {
    if (status < 200) return;
    this.#status = status;
    this.#lease.head(headers);
    this.#relay.head(status, statusText, headers, this.#lease.headers);
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    this.#lease.data(chunk);
    if (this.#relay.data(chunk)) return;
    controller.pause();
    this.#relay.whenDrained(() => controller.resume());
  }

  onResponseEnd(): void {
    this.#relay.end();
    this.#finish({ kind: 'answered', status: this.#status });
  }

  onResponseError(_: Controller, error: Error): void {
    this.#finish({ kind: 'failed', error, started: this.#relay.started });
  }

  /** Ends the call from our side: the worker's connection closes now, and whoever waits goes on now. */
  #stop(outcome: Outcome): void {
    this.#stopped = outcome;
    this.#controller?.abort(new Error('not wanted any more'));
    this.#finish(outcome);
  }

  #finish(outcome: Outcome): void {
    clearTimeout(this.#deadline);
    this.#exchange.onGone = undefined;
    if (outcome.kind === 'failed' && outcome.started) this.#relay.breakOff();
    this.#resolve(this.#stopped ?? outcome);
  }

  #timedOut(timeoutMs: number): Outcome {
    const error = new RouterError(
      'worker_timeout',
      `worker ${this.#lease.choice.candidate.url} did not finish within ${timeoutMs} ms (--request-timeout-secs)`,
    );
    return { kind: 'failed', error, started: this.#relay.started };
  }
}
