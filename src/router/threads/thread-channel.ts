import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type MessagePort, Worker } from 'node:worker_threads';
import type { ThreadOptions } from './data-thread.ts';

/** The main thread's way to a data thread: of its own, or shared with another router. */
export interface ThreadChannel {
  readonly port: Worker | MessagePort;
  /** Resolves with the reason when what serves behind the port has ended. */
  readonly whenEnded: Promise<string>;
  end(): void;
}

/** Starts what serves one router in one thread. */
export type OpenChannel = (options: ThreadOptions) => ThreadChannel;

/** Garbage of requests dies young, so a small nursery saves 25 MB with four threads and costs no CPU. */
const LIMITS = { maxYoungGenerationSizeMb: 6 };

/** Starts a thread. */
export function startThread(options: ThreadOptions): ThreadChannel {
  const worker = new Worker(entryPoint(), { workerData: options, resourceLimits: LIMITS });
  const { promise, resolve } = Promise.withResolvers<string>();
  let reason = 'it was ended';
  worker.on('error', (error) => {
    reason = error.stack ?? error.message;
  });
  worker.on('exit', () => resolve(reason));
  return { port: worker, whenEnded: promise, end: () => void worker.terminate() };
}

/** The channel of a router that another router's thread serves as well, over this port. */
export function guestChannel(port: MessagePort): ThreadChannel {
  const { promise, resolve } = Promise.withResolvers<string>();
  port.on('close', () => resolve('it was ended, or its thread was'));
  return { port, whenEnded: promise, end: () => port.close() };
}

/** The thread's program: in the folder of the bundle, or beside this file in a checkout. */
function entryPoint(): URL {
  const bundled = new URL('./data-thread.mjs', import.meta.url);
  return existsSync(fileURLToPath(bundled)) ? bundled : new URL('./data-thread.ts', import.meta.url);
}
