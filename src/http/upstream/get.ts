import type { IncomingHttpHeaders } from 'node:http';
import { Pieces } from '../wire/pieces.ts';
import { isStale } from './reuse-mark.ts';
import type { CallHandler, Controller, WorkerClient } from './worker-client.ts';

interface GetOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Most bytes of the body; 0 if it does not matter and is not kept. */
  readonly maxBytes: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** What is sent beside a path; a GET without a body by default. */
interface CallOptions extends GetOptions {
  readonly method?: string | undefined;
  readonly body?: Buffer | undefined;
  /** Ends the call when nobody waits for the answer any more. */
  readonly signal?: AbortSignal | undefined;
}

/** GETs a worker's `path` for the router itself. Rejects, with a short reason, when no whole answer came in time. */
export function get(client: WorkerClient, path: string, options: GetOptions): Promise<Answer> {
  return call(client, path, options);
}

/** Like `get` with any method. A reading call is repeated at once if its connection was closed; others take a new connection. */
export function call(client: WorkerClient, path: string, options: CallOptions): Promise<Answer> {
  const { headers, timeoutMs, maxBytes, method = 'GET', body = null, signal } = options;
  return new Promise((resolve, reject) => {
    let controller: Controller | undefined;
    let fresh = method !== 'GET' && method !== 'HEAD';
    let sentMs = 0;
    let status = 0;
    let head: IncomingHttpHeaders = {};
    let over = false;
    const pieces = new Pieces();
    let room = maxBytes;
    const fail = (error: Error) => {
      over = true;
      clearTimeout(timer);
      reject(error);
    };
    const timer = setTimeout(() => {
      fail(new Error(`${path} gave no answer within ${timeoutMs} ms`));
      controller?.abort(new Error('too late'));
    }, timeoutMs);
    const stop = () => {
      fail(new Error('nobody waits for it any more'));
      controller?.abort(new Error('not wanted any more'));
    };
    signal?.addEventListener('abort', stop, { once: true });
    const handler: CallHandler = {
      onRequestStart(started) {
        controller = started;
        sentMs = performance.now();
        if (over) started.abort(new Error('too late'));
      },
      onResponseStart(_, code, answerHeaders) {
        status = code;
        head = answerHeaders;
      },
      onResponseData(_, chunk) {
        if (maxBytes === 0 || over) return;
        pieces.add(chunk);
        room -= chunk.length;
        if (room >= 0) return;
        fail(new Error(`${path} answered more than ${maxBytes} bytes`));
        controller?.abort(new Error('too much'));
      },
      onResponseEnd() {
        clearTimeout(timer);
        void pieces.whole().then((body) => resolve({ status, headers: head, body }));
      },
      onResponseError(_, error) {
        if (over || fresh || !isStale(error, status !== 0, performance.now() - sentMs)) return fail(error);
        fresh = true;
        send();
      },
    };
    const request = { path, method, headers: Object.entries(headers).flat(), body };
    const send = () => client.dispatch({ ...request, fresh }, handler);
    send();
  });
}
