import { EventEmitter } from 'node:events';
import type { Log } from '../log.ts';
import type { Slots } from '../state/slots.ts';
import { type HealthOptions, HealthPoll } from './health.ts';
import { Worker, type WorkerOptions, type WorkerOwner } from './worker.ts';

/** The set of workers: who there is, who may receive traffic. Emits `change` for every change of a worker's state, `remove` when it is taken out. */
export class Registry extends EventEmitter<{ change: [Worker]; remove: [Worker] }> implements WorkerOwner {
  readonly #slots: Slots;
  readonly #health: HealthOptions;
  readonly #log: Log;
  readonly #workers = new Map<string, { worker: Worker; poll: HealthPoll }>();
  #available: readonly Worker[] = [];

  constructor(slots: Slots, health: HealthOptions, log: Log) {
    super();
    this.#slots = slots;
    this.#health = health;
    this.#log = log;
  }

  /** Workers that may receive traffic; a new array after every change, so that a request can hold on to one. */
  get available(): readonly Worker[] {
    return this.#available;
  }

  get workers(): Worker[] {
    return Array.from(this.#workers.values(), ({ worker }) => worker);
  }

  /** Adds a worker and polls it until it is ready; the one there is when the URL is known already. */
  add(url: string, options: WorkerOptions = {}): Worker {
    const key = url.replace(/\/+$/, '');
    const known = this.#workers.get(key);
    if (known) return known.worker;
    const worker = new Worker(key, options, this.#slots, this, Date.now());
    const poll = new HealthPoll(worker, this.#health, (problem) =>
      this.#log.error('worker not ready within --worker-startup-timeout-secs, polling on', { worker: key, problem }),
    );
    this.#workers.set(key, { worker, poll });
    poll.now();
    return worker;
  }

  /** Takes a worker out; requests in flight on it run on. False when the URL is not known. */
  remove(url: string): boolean {
    const entry = this.#workers.get(url.replace(/\/+$/, ''));
    if (!entry) return false;
    const { worker, poll } = entry;
    this.#workers.delete(worker.url);
    poll.stop();
    this.#slots.retire(worker.slot);
    this.#refresh();
    this.emit('remove', worker);
    void worker.client.close();
    return true;
  }

  /** The worker's process is known to be gone: no traffic, no more polls. */
  fail(url: string, reason: string): void {
    const entry = this.#workers.get(url.replace(/\/+$/, ''));
    if (!entry) return;
    entry.poll.stop();
    entry.worker.state = { kind: 'failed', reason };
  }

  /** Ends all polls and connections. */
  async close(): Promise<void> {
    const entries = [...this.#workers.values()];
    for (const { poll } of entries) poll.stop();
    await Promise.all(entries.map(({ worker }) => worker.client.destroy()));
  }

  changed(worker: Worker): void {
    const before = this.#available.includes(worker);
    this.#refresh();
    if (before !== worker.available) this.#report(worker);
    this.emit('change', worker);
  }

  poll(worker: Worker): void {
    this.#workers.get(worker.url)?.poll.now();
  }

  #refresh(): void {
    this.#available = this.workers.filter((worker) => worker.available);
  }

  #report({ url, state }: Worker): void {
    if (state.kind === 'ready') this.#log.info('worker ready', { worker: url, ready: this.#available.length });
    else if (state.kind === 'failed') this.#log.error('worker gone', { worker: url, reason: state.reason });
    else this.#log.warning('worker lost, polling until it is back', { worker: url, problem: state.problem });
  }
}
