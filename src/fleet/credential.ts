import { type AskedServer, ask } from './ask.ts';
import type { Clock } from './clock.ts';

/** Every engine lists its models here, and checks the same key as for requests. */
const PATH = '/v1/models';
const TIMEOUT_MS = 5_000;
/** Between two questions to a worker that refuses the key. */
const ASK_AGAIN_MS = 2_000;
/** Least time between two questions to a worker that accepts the key, however many requests it refuses. */
const DOUBT_EVERY_MS = 1_000;

/** Whether a worker accepts the router's key, asked by the router itself: a client's request may be refused for other reasons. */
export class Credential {
  readonly #worker: AskedServer;
  readonly #clock: Clock;
  readonly #changed: () => void;
  #problem: string | undefined;
  #asking: Promise<void> | undefined;
  #acceptedMs = Number.NEGATIVE_INFINITY;
  #cancel: (() => void) | undefined;
  #stopped = false;

  /** `changed` is called when the key is refused, and when it is accepted again. */
  constructor(worker: AskedServer, clock: Clock, changed: () => void) {
    this.#worker = worker;
    this.#clock = clock;
    this.#changed = changed;
  }

  /** Why the worker gets no requests; undefined if the key is accepted, or there is none. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** A request with the key was refused: asks whether the key was the reason. */
  doubt(): void {
    const isFresh = this.#clock.now() - this.#acceptedMs < DOUBT_EVERY_MS;
    if (!isFresh && this.#problem === undefined && this.#worker.authorization !== undefined) void this.check();
  }

  /** Asks now; resolves with the new `problem`. */
  async check(): Promise<string | undefined> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    await this.#asking;
    return this.#problem;
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  async #ask(): Promise<void> {
    const { authorization } = this.#worker;
    const status = await ask(this.#worker, PATH, { timeoutMs: TIMEOUT_MS, maxBytes: 0 }).then(
      (answer) => answer.status,
      () => undefined,
    );
    if (this.#stopped) return;
    // Another key was set meanwhile, so the answer says nothing.
    if (authorization !== this.#worker.authorization) return this.#ask();
    const refused = authorization !== undefined && (status === 401 || status === 403);
    if (refused) this.#enter(`it refuses the router's key (api_key, --api-key): ${PATH} answered ${status}`);
    else if (status !== undefined) this.#enter(undefined);
    this.#cancel?.();
    if (this.#problem !== undefined) this.#cancel = this.#clock.after(ASK_AGAIN_MS, () => void this.check());
  }

  #enter(problem: string | undefined): void {
    const was = this.#problem;
    this.#problem = problem;
    if (problem === undefined) this.#acceptedMs = this.#clock.now();
    if ((was === undefined) !== (problem === undefined)) this.#changed();
  }
}
