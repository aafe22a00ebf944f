import { hashKey } from '../index/hash.ts';
import type { Now } from './policy.ts';
import type { WorkerView } from './worker-view.ts';

/** Sessions in one generation, some 3 MB; two generations are kept. */
const MOST_KEYS = 2 ** 15;
/** Length of a generation: an idle session is forgotten after one or two, when a busy engine has dropped its cache. */
const GENERATION_MS = 5 * 60_000;

/** Where each session was served last. Two generations: forgetting costs nothing, whatever number of keys clients send. */
export class Sessions {
  readonly #now: Now;
  #young = new Map<number, WorkerView>();
  #old = new Map<number, WorkerView>();
  #bornMs: number;

  constructor(now: Now) {
    this.#now = now;
    this.#bornMs = now();
  }

  /** The worker of the session's last request; undefined where that is long ago. */
  recall(key: string): WorkerView | undefined {
    this.#age();
    const id = idOfSession(key);
    return this.#young.get(id) ?? this.#old.get(id);
  }

  remember(key: string, view: WorkerView): void {
    this.rememberId(idOfSession(key), view);
  }

  /** Remembers a session that another router tells by its `idOfSession`. */
  rememberId(id: number, view: WorkerView): void {
    this.#age();
    this.#young.set(id, view);
  }

  #age(): void {
    const ageMs = this.#now() - this.#bornMs;
    if (ageMs <= GENERATION_MS && this.#young.size < MOST_KEYS) return;
    this.#old = ageMs > 2 * GENERATION_MS ? new Map() : this.#young;
    this.#young = new Map();
    this.#bornMs = this.#now();
  }
}

/** The id of a session, the same in every router. */
export function idOfSession(key: string): number {
  return hashKey(key);
}
