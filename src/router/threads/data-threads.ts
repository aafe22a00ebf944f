import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../../config/options.ts';
import type { OwnAnswers } from '../../data/front.ts';
import { Acceptors } from '../../http/edge/acceptors.ts';
import { connectionBounds } from '../../http/edge/connection-limit.ts';
import { readServingPair } from '../../http/tls-files.ts';
import type { Scheduling } from '../../link/scheduling.ts';
import type { ToDataThread } from '../../link/threads/messages.ts';
import { portable } from '../../link/threads/portable-error.ts';
import type { Log } from '../../observe/log/log.ts';
import type { PromptNeeds } from '../../scheduler/policies/policy.ts';
import type { ClientPort } from '../client-port.ts';
import type { ThreadOptions } from './data-thread.ts';
import { type OpenChannel, startThread } from './thread-channel.ts';
import { ThreadHandle } from './thread-handle.ts';

interface DataThreadsParts {
  readonly scheduling: Scheduling;
  readonly ownAnswers: OwnAnswers;
  readonly needs: PromptNeeds;
  readonly gapBounds: readonly number[];
  readonly log: Log;
}

/** Between two tries to replace a thread. */
const START_AGAIN_MS = 1_000;

/** The data threads of a router, which serve one port together. One that ends is replaced, and what its requests held is given back. */
export class DataThreads implements ClientPort {
  readonly #config: Config;
  readonly #parts: DataThreadsParts;
  readonly #address: AddressInfo;
  readonly #openChannel: OpenChannel;
  readonly #threads: ThreadHandle[] = [];
  #isClosed = false;
  #shared = '';

  private constructor(config: Config, parts: DataThreadsParts, address: AddressInfo, openChannel: OpenChannel) {
    this.#config = config;
    this.#parts = parts;
    this.#address = address;
    this.#openChannel = openChannel;
  }

  /** Starts `count` threads that listen, or has those of `owner` serve this router too. Throws ExitError `port_in_use` where somebody else listens. */
  static async open(count: number, config: Config, parts: DataThreadsParts, owner?: DataThreads): Promise<DataThreads> {
    const { host, port, tlsCertPath, tlsKeyPath } = config;
    // Before a thread is started; each reads them for itself.
    readServingPair(tlsCertPath, tlsKeyPath);
    const { address, release } = await Acceptors.claim(host, port);
    const threads = new DataThreads(config, parts, address, owner?.guests() ?? startThread);
    try {
      await Promise.all(Array.from({ length: count }, () => threads.#start(count)));
    } catch (error) {
      threads.closeAllConnections();
      throw error;
    } finally {
      release();
    }
    return threads;
  }

  address(): AddressInfo {
    return this.#address;
  }

  get connections(): number {
    return this.#threads.reduce((sum, { connections }) => sum + connections, 0);
  }

  /** Sends all threads the scheduler's state, which may have changed. */
  share(): void {
    const { closed, severalModels } = this.#parts.scheduling;
    const shared = JSON.stringify([closed?.message, severalModels]);
    if (shared === this.#shared) return;
    this.#shared = shared;
    this.#tell({ kind: 'shared', closed: closed && portable(closed), severalModels });
  }

  /** A server was taken out: ends the threads' calls to it, with the error if there is one. */
  closeServer(serverId: number, error: Error | undefined): void {
    this.#tell({ kind: 'closeServer', serverId, error: error && portable(error) });
  }

  leave(): Promise<unknown> {
    this.#tell({ kind: 'leave' });
    // The answer shows that the threads have read all earlier messages.
    return this.awaitsLast(0);
  }

  async awaitsLast(ms: number): Promise<boolean> {
    const awaited = await Promise.all(this.#threads.map((thread) => thread.awaitsLast(ms)));
    return awaited.includes(true);
  }

  close(): void {
    this.#tell({ kind: 'close' });
  }

  closeAllConnections(): void {
    this.#isClosed = true;
    for (const thread of this.#threads) thread.end();
  }

  /** Ends one of them, as an error would. */
  kill(index: number): void {
    this.#threads[index]?.end();
  }

  /** Has each thread in turn serve another router. */
  guests(): OpenChannel {
    let next = 0;
    return (options) => (this.#threads[next++ % this.#threads.length] as ThreadHandle).openGuest(options);
  }

  #tell(message: ToDataThread): void {
    for (const thread of this.#threads) thread.send(message);
  }

  async #start(threads: number): Promise<void> {
    const { needs, gapBounds, log, ...asked } = this.#parts;
    const options: ThreadOptions = {
      ...{ config: this.#config, needs, gapBounds, threads },
      logLevel: log.debugEnabled ? 'debug' : 'info',
      ...connectionBounds(threads),
    };
    const handle = new ThreadHandle(this.#openChannel(options), { ...asked, log });
    this.#threads.push(handle);
    const { closed, severalModels } = this.#parts.scheduling;
    handle.send({ kind: 'shared', closed: closed && portable(closed), severalModels });
    try {
      await handle.listen(this.#config.host, this.#address.port);
    } catch (error) {
      this.#remove(handle);
      throw error;
    }
    void handle.whenEnded.then((reason) => this.#replace(handle, reason, threads));
  }

  #remove(handle: ThreadHandle): void {
    this.#threads.splice(this.#threads.indexOf(handle), 1);
    handle.end();
  }

  async #replace(handle: ThreadHandle, reason: string, threads: number): Promise<void> {
    this.#remove(handle);
    if (this.#isClosed) return;
    this.#parts.log.error('a data thread has ended, another takes its place; its requests are cut', { reason });
    await this.#startAgain(threads);
  }

  /** Retries until a thread starts: descriptors or memory may be short only for now. */
  async #startAgain(threads: number): Promise<void> {
    while (!this.#isClosed) {
      try {
        await this.#start(threads);
        return;
      } catch (error) {
        this.#parts.log.critical('no data thread can be started in place of one that ended, tried again', {
          reason: (error as Error).message,
        });
        await delay(START_AGAIN_MS);
      }
    }
  }
}
