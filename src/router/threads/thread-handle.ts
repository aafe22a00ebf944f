import { MessageChannel } from 'node:worker_threads';
import type { OwnAnswers } from '../../data/front.ts';
import type { Scheduling } from '../../link/scheduling.ts';
import { BatchPort } from '../../link/threads/batch-port.ts';
import type { ToDataThread, ToScheduler } from '../../link/threads/messages.ts';
import { errorOf } from '../../link/threads/portable-error.ts';
import { ThreadLink } from '../../link/threads/thread-link.ts';
import type { Log } from '../../observe/log/log.ts';
import type { ServeGuest, ThreadOptions } from './data-thread.ts';
import { Forwarding } from './forwarding.ts';
import { guestChannel, type ThreadChannel } from './thread-channel.ts';

interface ThreadParts {
  readonly scheduling: Scheduling;
  readonly ownAnswers: OwnAnswers;
  readonly log: Log;
}

/** A data thread as the main thread sees it. */
export class ThreadHandle {
  readonly #channel: ThreadChannel;
  readonly #log: Log;
  readonly #port: BatchPort<ToDataThread | ServeGuest, ToScheduler>;
  readonly #link: ThreadLink;
  readonly #forwarding: Forwarding;
  #connections = 0;
  #listening: PromiseWithResolvers<void> | undefined;
  #lastAwaited: PromiseWithResolvers<boolean> | undefined;

  constructor(channel: ThreadChannel, { scheduling, ownAnswers, log }: ThreadParts) {
    this.#channel = channel;
    this.#log = log;
    this.#port = new BatchPort(channel.port, (message: ToScheduler) => this.#receive(message));
    const send = (message: ToDataThread) => this.#port.send(message);
    this.#link = new ThreadLink(scheduling, send, log);
    this.#forwarding = new Forwarding(ownAnswers, (message) => this.#port.sendBytes(message));
    void channel.whenEnded.then((reason) => this.#lose(reason));
  }

  /** Resolves with the reason when the thread has ended. */
  get whenEnded(): Promise<string> {
    return this.#channel.whenEnded;
  }

  /** Clients that are connected to it. */
  get connections(): number {
    return this.#connections;
  }

  send(message: ToDataThread): void {
    this.#port.send(message);
  }

  /** Lets the thread listen; rejects if it cannot. */
  listen(host: string, port: number): Promise<void> {
    this.#listening = Promise.withResolvers();
    this.send({ kind: 'listen', host, port });
    return this.#listening.promise;
  }

  awaitsLast(ms: number): Promise<boolean> {
    this.#lastAwaited ??= Promise.withResolvers();
    this.send({ kind: 'awaitsLast', ms });
    return this.#lastAwaited.promise;
  }

  /** Lets the thread serve another router too. */
  openGuest(options: ThreadOptions): ThreadChannel {
    const { port1, port2 } = new MessageChannel();
    this.#port.sendPort({ kind: 'serveGuest', options, port: port2 }, port2);
    return guestChannel(port1);
  }

  end(): void {
    this.#channel.end();
  }

  #receive(message: ToScheduler): void {
    switch (message.kind) {
      case 'own':
      case 'ownBody':
      case 'ownDrained':
      case 'ownFlushed':
      case 'ownGone':
        this.#forwarding.receive(message, this.#link.scheduledOf(message.request));
        break;
      case 'connections':
        this.#connections = message.count;
        return;
      case 'log':
        this.#log[message.level](message.message, message.fields);
        break;
      case 'listening':
        this.#listening?.resolve();
        break;
      case 'notListening':
        this.#listening?.reject(errorOf(message.error));
        break;
      case 'lastAwaited':
        this.#lastAwaited?.resolve(message.isAwaited);
        this.#lastAwaited = undefined;
        return;
      default:
        this.#link.receive(message);
        break;
    }
  }

  #lose(reason: string): void {
    this.#connections = 0;
    this.#listening?.reject(new Error(`the thread ended before it listened: ${reason}`));
    this.#lastAwaited?.resolve(false);
    this.#forwarding.lose();
    this.#link.lose();
  }
}
