import type { CallHandler, Controller, WorkerClient, WorkerRequest } from './worker-client.ts';

/** Stands in for the controller of a call that was never begun. */
const NOTHING: Controller = { abort() {}, pause() {}, resume() {} };

/** A client whose code is still being loaded; requests wait for it in order. */
export class ComingClient implements WorkerClient {
  readonly #coming: Promise<WorkerClient>;
  #client: WorkerClient | undefined;

  constructor(coming: Promise<WorkerClient>) {
    this.#coming = coming;
    coming.then(
      (client) => {
        this.#client = client;
      },
      // Every waiting request gets the error.
      () => {},
    );
  }

  get connections(): number {
    return this.#client?.connections ?? 0;
  }

  dispatch(request: WorkerRequest, handler: CallHandler): void {
    if (this.#client) this.#client.dispatch(request, handler);
    else void this.#dispatchLater(request, handler);
  }

  async destroy(error?: Error): Promise<void> {
    const client = await this.#coming.catch(() => undefined);
    await client?.destroy(error);
  }

  async #dispatchLater(request: WorkerRequest, handler: CallHandler): Promise<void> {
    try {
      (await this.#coming).dispatch(request, handler);
    } catch (error) {
      handler.onResponseError(NOTHING, error as Error);
    }
  }
}
