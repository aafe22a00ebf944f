import type { TunnelWriter } from '../http/edge/reply.ts';
import type { Tunnel } from '../http/upstream/worker-client.ts';
import type { Deadlines } from './deadlines.ts';

/** Counts the bytes of a request. */
interface Counted {
  requestBytes: number;
}

/** Passes what a client sends through a tunnel to the worker. */
export class TunnelToWorker implements TunnelWriter {
  readonly #tunnel: Tunnel;
  readonly #deadlines: Deadlines;
  readonly #counted: Counted;

  constructor(tunnel: Tunnel, deadlines: Deadlines, counted: Counted) {
    this.#tunnel = tunnel;
    this.#deadlines = deadlines;
    this.#counted = counted;
  }

  send(chunk: Buffer): boolean {
    this.#deadlines.chunks++;
    this.#counted.requestBytes += chunk.length;
    return this.#tunnel.send(chunk);
  }

  whenSent(resume: () => void): void {
    this.#tunnel.whenSent(resume);
  }

  finish(): void {
    this.#deadlines.clientEnded();
    this.#tunnel.finish();
  }
}
