import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { Config } from '../../config/options.ts';
import { createFront } from '../../data/create-front.ts';
import type { ConnectionBounds } from '../../http/edge/connection-limit.ts';
import { type HttpServer, listen } from '../../http/edge/http-server.ts';
import { createRequestIds } from '../../http/request-id.ts';
import { readServingPair } from '../../http/tls-files.ts';
import { readWorkerTls } from '../../http/upstream/worker-tls.ts';
import { BatchPort } from '../../link/threads/batch-port.ts';
import type { ToDataThread, ToScheduler } from '../../link/threads/messages.ts';
import { errorOf, portable } from '../../link/threads/portable-error.ts';
import { RemoteScheduling } from '../../link/threads/remote-scheduling.ts';
import type { Level } from '../../observe/log/line.ts';
import { createLogOf, type Log } from '../../observe/log/log.ts';
import { surviveErrors } from '../../observe/log/survive.ts';
import type { PromptNeeds } from '../../scheduler/policies/policy.ts';
import { RemoteAnswers } from './remote-answers.ts';
import { ThreadConnections } from './thread-connections.ts';

/** What a data thread starts with. */
export interface ThreadOptions extends ConnectionBounds {
  readonly config: Config;
  readonly needs: PromptNeeds;
  /** Upper bounds of the histogram of times between chunks, in seconds. */
  readonly gapBounds: readonly number[];
  readonly logLevel: Level;
  /** How many data threads share what is bounded for all together. */
  readonly threads: number;
}

/** Asks a thread to serve another router as well, which closes the port when that is over. */
export interface ServeGuest {
  readonly kind: 'serveGuest';
  readonly options: ThreadOptions;
  readonly port: MessagePort;
}

/** New connections that each thread takes per turn of its event loop. */
const SOCKETS = 2;
/** How often the scheduler is told of how many clients are connected. */
const TELL_CONNECTIONS_MS = 250;

/** What serves one router in a data thread: answers at its port beside the other threads, and asks its scheduler in the main thread. */
class DataThread {
  readonly #options: ThreadOptions;
  readonly #port: BatchPort<ToScheduler, ToDataThread | ServeGuest>;
  readonly #log: Log;
  readonly #upstreams: ThreadConnections;
  readonly #scheduling: RemoteScheduling;
  readonly #answers: RemoteAnswers;
  #server: HttpServer | undefined;
  #teller: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: ThreadOptions, port: MessagePort) {
    const { config, needs, gapBounds } = options;
    this.#options = options;
    this.#port = new BatchPort(port, (message: ToDataThread | ServeGuest) => this.#receive(message));
    port.on('close', () => this.#close());
    this.#log = createLogOf(options.logLevel, (level, message, fields) =>
      this.#port.send({ kind: 'log', level, message, fields }),
    );
    this.#upstreams = new ThreadConnections(readWorkerTls(config));
    this.#scheduling = new RemoteScheduling(this.#port, {
      ...{ needs, gapBounds, requestIds: createRequestIds(config.requestIdHeaders) },
      connect: (target) => this.#upstreams.connect(target),
    });
    this.#answers = new RemoteAnswers((message) => this.#port.sendBytes(message));
  }

  /** Has errors that nobody caught logged, and the thread go on. */
  surviveErrors(): this {
    surviveErrors(this.#log);
    return this;
  }

  #receive(message: ToDataThread | ServeGuest): void {
    switch (message.kind) {
      case 'room':
      case 'assigned':
      case 'nextCall':
      case 'decided':
      case 'abandon':
        this.#scheduling.receive(message);
        break;
      case 'shared':
        this.#scheduling.share(message.closed, message.severalModels);
        break;
      case 'closeServer':
        this.#upstreams.close(message.serverId, message.error && errorOf(message.error));
        break;
      case 'listen':
        void this.#listen(message.host, message.port);
        break;
      case 'leave':
        this.#server?.leave();
        break;
      case 'close':
        void this.#server?.close();
        break;
      case 'serveGuest':
        new DataThread(message.options, message.port);
        break;
      case 'awaitsLast':
        this.#port.send({ kind: 'lastAwaited', isAwaited: this.#server?.awaitsLast(message.ms) ?? false });
        break;
      default:
        this.#answers.receive(message);
        break;
    }
  }

  async #listen(host: string, port: number): Promise<void> {
    const { config, threads, maxConnections, maxRefused } = this.#options;
    const front = createFront(config, {
      scheduling: this.#scheduling,
      ownAnswers: (request, reply, { scheduled }) =>
        this.#answers.answer(this.#scheduling.numberOf(scheduled), request, reply),
      log: this.#log,
    });
    const { tlsCertPath, tlsKeyPath, uploadTimeoutMs, maxHeldPayloadBytes } = config;
    const maxHeldBytes = Math.ceil(maxHeldPayloadBytes / threads);
    try {
      this.#server = await listen(host, port, (request, reply) => front.serve(request, reply), {
        log: this.#log,
        tls: readServingPair(tlsCertPath, tlsKeyPath),
        limits: { uploadTimeoutMs, maxHeldBytes, maxConnections, maxRefused },
        sockets: SOCKETS,
        shared: true,
      });
      this.#port.send({ kind: 'listening' });
    } catch (error) {
      this.#port.send({ kind: 'notListening', error: portable(error) });
      return;
    }
    if (this.#isClosed) this.#close();
    else this.#tellConnections(this.#server);
  }

  #tellConnections(server: HttpServer): void {
    let told = 0;
    this.#teller = setInterval(() => {
      const { connections: count } = server;
      if (count !== told) this.#port.send({ kind: 'connections', count });
      told = count;
    }, TELL_CONNECTIONS_MS).unref();
  }

  /** The router is closed, or its main thread is gone. */
  #close(): void {
    this.#isClosed = true;
    clearInterval(this.#teller);
    this.#server?.close();
    this.#server?.closeAllConnections();
    this.#upstreams.closeAll();
  }
}

if (parentPort) new DataThread(workerData as ThreadOptions, parentPort).surviveErrors();
