import type { IncomingRequest } from '../../http/edge/incoming-request.ts';
import type { Reply } from '../../http/edge/reply.ts';
import type { ToDataThread, ToScheduler } from '../../link/threads/messages.ts';
import { portable } from '../../link/threads/portable-error.ts';

type OfOwn = Extract<
  ToDataThread,
  { kind: 'ownWantsBody' | 'ownHead' | 'ownWrite' | 'ownEnd' | 'ownCut' | 'ownClose' | 'ownRelease' | 'ownDone' }
>;

interface UnderWay {
  readonly request: IncomingRequest;
  readonly reply: Reply;
  readonly done: (errorCode: string | undefined) => void;
}

/** Forwards requests for the router's own endpoints to the main thread. */
export class RemoteAnswers {
  readonly #send: (message: ToScheduler) => void;
  readonly #underWay = new Map<number, UnderWay>();

  constructor(send: (message: ToScheduler) => void) {
    this.#send = send;
  }

  /** Resolves with the code of the error that was answered. */
  async answer(number: number, request: IncomingRequest, reply: Reply): Promise<string | undefined> {
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    this.#underWay.set(number, { request, reply, done: resolve });
    reply.watch({ clientLeft: () => this.#send({ kind: 'ownGone', request: number }) });
    const { method, url, headers, last } = request;
    this.#send({ kind: 'own', request: number, method, url, headers, last });
    const errorCode = await promise;
    void this.#forget(number, reply);
    return errorCode;
  }

  receive(message: OfOwn): void {
    const { request: number } = message;
    const underWay = this.#underWay.get(number);
    if (!underWay) return;
    const { request, reply, done } = underWay;
    switch (message.kind) {
      case 'ownWantsBody':
        void this.#giveBody(number, request, message.maxBytes);
        break;
      case 'ownHead':
        reply.head(message.status, message.text, message.headers, message.length);
        break;
      case 'ownWrite':
        if (reply.write(bufferOf(message.chunk))) this.#send({ kind: 'ownDrained', request: number });
        else reply.whenDrained(() => this.#send({ kind: 'ownDrained', request: number }));
        return;
      case 'ownEnd':
        reply.end(message.chunk && bufferOf(message.chunk));
        break;
      case 'ownCut':
        reply.cut();
        break;
      case 'ownClose':
        reply.close();
        break;
      case 'ownRelease':
        request.release();
        break;
      case 'ownDone':
        done(message.errorCode);
        break;
    }
  }

  async #giveBody(number: number, request: IncomingRequest, maxBytes: number): Promise<void> {
    const body = await request.body(maxBytes).catch((error: Error) => portable(error));
    this.#send({ kind: 'ownBody', request: number, body });
  }

  async #forget(number: number, reply: Reply): Promise<void> {
    await reply.flushed();
    this.#send({ kind: 'ownFlushed', request: number });
    this.#underWay.delete(number);
  }
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
