import type { IncomingHttpHeaders } from 'node:http';
import { ClientGoneError } from '../../http/client-gone.ts';
import type { IncomingRequest } from '../../http/edge/incoming-request.ts';
import type { ToDataThread, ToScheduler } from '../../link/threads/messages.ts';
import { errorOf } from '../../link/threads/portable-error.ts';

/** A request whose head a data thread has read and that the main thread answers. */
export class ForwardedRequest implements IncomingRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly last: boolean;
  readonly #number: number;
  readonly #send: (message: ToDataThread) => void;
  #body: PromiseWithResolvers<Buffer> | undefined;

  constructor(
    { method, url, headers, last, request }: Extract<ToScheduler, { kind: 'own' }>,
    send: (message: ToDataThread) => void,
  ) {
    this.method = method;
    this.url = url;
    this.headers = headers;
    this.last = last;
    this.#number = request;
    this.#send = send;
  }

  body(maxBytes: number): Promise<Buffer> {
    this.#body = Promise.withResolvers();
    this.#send({ kind: 'ownWantsBody', request: this.#number, maxBytes });
    return this.#body.promise;
  }

  /** Counts nothing: the bound is that of the client's thread. */
  hold(): undefined {}

  holdsAll(): void {}

  release(): void {
    this.#send({ kind: 'ownRelease', request: this.#number });
  }

  /** Takes what the data thread says of the body. */
  bodyCame(body: Extract<ToScheduler, { kind: 'ownBody' }>['body']): void {
    if (body instanceof Uint8Array) this.#body?.resolve(Buffer.from(body.buffer, body.byteOffset, body.byteLength));
    else this.#body?.reject(body.name === ClientGoneError.name ? new ClientGoneError() : errorOf(body));
  }
}
