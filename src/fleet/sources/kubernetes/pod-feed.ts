import { setTimeout as delay } from 'node:timers/promises';
import { type ApiClient, ApiError } from './api-client.ts';
import { type Pod, type PodObject, readPod } from './pod.ts';

/** Which pods to follow. */
interface PodQuery {
  /** The namespace; all namespaces if undefined. */
  readonly namespace: string | undefined;
  /** A label selector; the API server evaluates it. */
  readonly selector: string;
  readonly bootstrapAnnotation: string;
}

export interface FeedOptions {
  /** Interval of lists of all pods, give or take a tenth: a watch may die silently. */
  readonly listEveryMs: number;
  readonly answerMs: number;
  readonly firstRetryMs: number;
  readonly longestRetryMs: number;
}

export const FEED: FeedOptions = {
  listEveryMs: 50_000,
  answerMs: 10_000,
  firstRetryMs: 200,
  longestRetryMs: 5_000,
};

/** Is told what the feed sees. */
interface FeedListener {
  /** The pods have changed, or the first list has come. */
  changed(): void;
  /** The API server does not answer; it is asked again. */
  failed(error: Error): void;
  /** The API server answers again. */
  recovered(): void;
}

/** Pods per page of a list: reading more at once would delay requests. */
const PAGE = '100';
/** The API server ends a watch by itself after so long. */
const WATCH_SECS = '300';
/** A watch that ended well is opened again; one shorter than this waits for the next list. */
const SHORTEST_WATCH_MS = 1_000;
const GONE = 410;

/** A page of a list, or an event of a watch. */
interface Page {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly PodObject[];
}
interface WatchEvent {
  readonly type?: string;
  readonly object?: PodObject & { readonly code?: number; readonly message?: string };
}

/**
 * Follows the pods that a selector matches: a list, a watch from there on, and a list again at regular intervals and whenever
 * the watch ends badly. Each list begins a new watch, so that a watch that went silent matters for one interval at most.
 */
export class PodFeed {
  readonly pods = new Map<string, Pod>();
  readonly #client: ApiClient;
  readonly #query: PodQuery;
  readonly #listener: FeedListener;
  readonly #options: FeedOptions;
  readonly #path: string;
  readonly #closed = new AbortController();
  #listed = false;
  #heardMs = Date.now();
  #problem: Error | undefined;
  /** Failures of lists and watches since a watch went well. */
  #failures = 0;
  #version = '';
  #watch = new AbortController();
  #wake = new AbortController();

  constructor(client: ApiClient, query: PodQuery, listener: FeedListener, options: FeedOptions = FEED) {
    this.#client = client;
    this.#query = query;
    this.#listener = listener;
    this.#options = options;
    const { namespace } = query;
    this.#path = namespace === undefined ? '/api/v1/pods' : `/api/v1/namespaces/${namespace}/pods`;
  }

  /** Whether the first list has come. */
  get listed(): boolean {
    return this.#listed;
  }

  /** Why the pods may be out of date, and since when; undefined while they are not. */
  get problem(): { readonly sinceMs: number; readonly error: Error } | undefined {
    return this.#problem && { sinceMs: this.#heardMs, error: this.#problem };
  }

  start(): void {
    void this.#run();
  }

  close(): void {
    this.#closed.abort();
    this.#watch.abort();
    this.#wake.abort();
  }

  async #run(): Promise<void> {
    while (!this.#closed.signal.aborted) {
      this.#wake = new AbortController();
      const listed = await this.#refresh();
      const waitMs = listed ? this.#options.listEveryMs * (0.9 + Math.random() / 5) : this.#retryMs();
      const undisturbed = () => {
        // The watch has lasted for the whole interval.
        if (listed) this.#failures = 0;
      };
      await delay(waitMs, undefined, { signal: this.#wake.signal, ref: false }).then(undisturbed, () => {});
    }
  }

  /** Lists the pods; resolves with whether that went well. */
  async #refresh(): Promise<boolean> {
    try {
      this.#apply(await this.#list());
      return true;
    } catch (error) {
      if (!this.#closed.signal.aborted) this.#failed(error as Error);
      return false;
    }
  }

  async #list(): Promise<{ pods: readonly Pod[]; version: string }> {
    const pods: Pod[] = [];
    let next = '';
    let version = '';
    do {
      const page = (await this.#get({ limit: PAGE, ...(next && { continue: next }) })) as Page;
      for (const item of page.items ?? []) {
        const pod = readPod(item, this.#query.bootstrapAnnotation);
        if (pod) pods.push(pod);
      }
      version = page.metadata?.resourceVersion ?? '';
      next = page.metadata?.continue ?? '';
    } while (next);
    return { pods, version };
  }

  #get(query: Readonly<Record<string, string>>): Promise<unknown> {
    const { signal } = this.#closed;
    return this.#client.get(
      this.#path,
      { labelSelector: this.#query.selector, ...query },
      this.#options.answerMs,
      signal,
    );
  }

  #apply({ pods, version }: { pods: readonly Pod[]; version: string }): void {
    if (this.#closed.signal.aborted) return;
    this.#listed = true;
    if (this.#problem) this.#listener.recovered();
    this.#problem = undefined;
    this.#heardMs = Date.now();
    // The watch may have told newer changes than a slow list, which is then dropped.
    if (!isOlder(version, this.#version) || this.#watch.signal.aborted) {
      this.#version = version;
      this.pods.clear();
      for (const pod of pods) this.pods.set(pod.uid, pod);
      this.#listener.changed();
    }
    this.#watch.abort();
    this.#watch = new AbortController();
    void this.#follow(this.#watch.signal);
  }

  async #follow(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        const beganMs = performance.now();
        await this.#watchOnce(signal);
        if (performance.now() - beganMs < SHORTEST_WATCH_MS) throw new Error('the watch ended as soon as it began');
      }
    } catch (error) {
      if (signal.aborted) return;
      // The next list tells whether the API server answers at all.
      this.#watch.abort();
      this.#failures++;
      if (error instanceof ApiError && error.status !== GONE) this.#listener.failed(error);
      setTimeout(() => this.#wake.abort(), this.#retryMs()).unref();
    }
  }

  #watchOnce(signal: AbortSignal): Promise<void> {
    const query = {
      labelSelector: this.#query.selector,
      watch: '1',
      allowWatchBookmarks: 'true',
      resourceVersion: this.#version,
      timeoutSeconds: WATCH_SECS,
    };
    return this.#client.stream(this.#path, query, {
      signal,
      headMs: this.#options.answerMs,
      opened: () => {
        this.#heardMs = Date.now();
      },
      line: (event) => {
        if (!signal.aborted) this.#take(event as WatchEvent);
      },
    });
  }

  #take({ type, object = {} }: WatchEvent): void {
    if (type === 'ERROR') throw new ApiError(object.code ?? 0, object.message ?? 'the watch told an error');
    this.#heardMs = Date.now();
    this.#failures = 0;
    this.#version = object.metadata?.resourceVersion ?? this.#version;
    if (type === 'BOOKMARK') return;
    const pod = readPod(object, this.#query.bootstrapAnnotation);
    if (!pod) return;
    if (type === 'DELETED') this.pods.delete(pod.uid);
    else this.pods.set(pod.uid, pod);
    this.#listener.changed();
  }

  #failed(error: Error): void {
    this.#failures++;
    this.#problem = error;
    this.#listener.failed(error);
  }

  #retryMs(): number {
    const { firstRetryMs, longestRetryMs } = this.#options;
    return Math.min(longestRetryMs, firstRetryMs * 2 ** (this.#failures - 1)) * (0.5 + Math.random() / 2);
  }
}

/** Whether a resource version is known to be older than another; they are numbers that grow. */
function isOlder(version: string, than: string): boolean {
  return /^\d+$/.test(version) && /^\d+$/.test(than) && BigInt(version) < BigInt(than);
}
