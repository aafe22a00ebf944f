import { isIPv6 } from 'node:net';
import type { Log } from '../../../observe/log/log.ts';
import type { Cluster } from './access.ts';
import { ApiClient } from './api-client.ts';
import { FEED, type FeedOptions, PodFeed } from './pod-feed.ts';

interface RouterPodsOptions {
  readonly cluster: Cluster;
  /** The namespace; all namespaces if undefined. */
  readonly namespace: string | undefined;
  readonly selector: string;
  /** The port on which all of them listen. */
  readonly port: number;
  readonly feed?: Partial<FeedOptions>;
}

/** Finds the routers in the pods that a selector matches, this one and those not ready included, as they may wait for workers. */
export class RouterPods {
  readonly #client: ApiClient;
  readonly #feed: PodFeed;

  /** Calls `tell` with the URLs of all of them, after each change. */
  constructor(options: RouterPodsOptions, tell: (urls: readonly string[]) => void, log: Log) {
    const { cluster, namespace, selector, port, feed } = options;
    this.#client = new ApiClient(cluster);
    let problem: string | undefined;
    const listener = {
      changed: () => tell([...this.#feed.pods.values()].flatMap(({ ip }) => (ip === undefined ? [] : urlOf(ip, port)))),
      failed: (error: Error) => {
        if (error.message === problem) return;
        problem = error.message;
        log.warning('other routers cannot be looked for, tried again; those that are known stay', {
          problem,
          selector,
        });
      },
      recovered: () => {
        problem = undefined;
      },
    };
    this.#feed = new PodFeed(this.#client, { namespace, selector, bootstrapAnnotation: '' }, listener, {
      ...FEED,
      ...feed,
    });
    this.#feed.start();
  }

  close(): void {
    this.#feed.close();
    this.#client.close();
  }
}

function urlOf(ip: string, port: number): string {
  return `http://${isIPv6(ip) ? `[${ip}]` : ip}:${port}`;
}
