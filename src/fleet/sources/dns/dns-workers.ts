import { Resolver } from 'node:dns/promises';
import type { Log } from '../../../observe/log/log.ts';
import type { FoundWorker, Stale, WorkerSource } from '../worker-source.ts';
import { type Addresses, lookUp } from './lookup.ts';

interface DnsOptions {
  /** `NAME:PORT`, or `NAME` of SRV records. */
  readonly names: readonly string[];
  readonly apiKey: string | undefined;
  /** DNS servers; the system's by default. */
  readonly servers?: readonly string[];
  /** Time without any address after which a name counts as absent. */
  readonly absentMs?: number;
  /** Least time between two questions for a name. */
  readonly leastMs?: number;
}

/** One name and what is known of it. */
interface Entry {
  readonly name: string;
  endpoints: readonly string[];
  /** When the last answer that counted came, on the clock of `performance.now()`. */
  knownMs: number;
  /** Since when every answer is that it has no addresses; undefined while that is not so. */
  emptySinceMs: number | undefined;
  problem: string | undefined;
  timer: NodeJS.Timeout | undefined;
}

/** Default of `absentMs`: DNS servers that restart may briefly answer that a name has no addresses. */
const ABSENT_MS = 30_000;
const LEAST_MS = 1_000;
const MOST_MS = 60_000;
/** Wait when the answer names none, or did not come. */
const USUAL_MS = 5_000;
const ANSWER_MS = 5_000;

/** Names a worker at each address of DNS names, which are asked again when an answer expires. */
export class DnsWorkers implements WorkerSource {
  readonly name = 'dns';
  readonly #options: DnsOptions;
  readonly #log: Log;
  readonly #resolver = new Resolver({ timeout: ANSWER_MS / 2, tries: 2 });
  readonly #entries: readonly Entry[];
  #tell: ((workers: readonly FoundWorker[]) => void) | undefined;

  constructor(options: DnsOptions, log: Log) {
    this.#options = options;
    this.#log = log;
    if (options.servers) this.#resolver.setServers(options.servers);
    const nothing = {
      ...{ endpoints: [], knownMs: performance.now(), emptySinceMs: undefined },
      ...{ problem: undefined, timer: undefined },
    };
    this.#entries = options.names.map((name) => ({ name, ...nothing }));
  }

  get stale(): Stale | undefined {
    const [worst] = this.#entries.filter(({ problem }) => problem).sort((a, b) => a.knownMs - b.knownMs);
    return (
      worst && { sinceMs: Date.now() - performance.now() + worst.knownMs, problem: `${worst.name}: ${worst.problem}` }
    );
  }

  start(tell: (workers: readonly FoundWorker[]) => void): void {
    this.#tell = tell;
    for (const entry of this.#entries) void this.#ask(entry);
  }

  close(): void {
    this.#tell = undefined;
    this.#resolver.cancel();
    for (const { timer } of this.#entries) clearTimeout(timer);
  }

  async #ask(entry: Entry): Promise<void> {
    const waitMs = await this.#learn(entry);
    if (this.#tell) entry.timer = setTimeout(() => void this.#ask(entry), waitMs).unref();
  }

  /** Asks once; resolves with how long to wait until the next time. */
  async #learn(entry: Entry): Promise<number> {
    try {
      const found = await lookUp(this.#resolver, entry.name);
      if (!this.#tell) return 0;
      const { leastMs = LEAST_MS } = this.#options;
      const ttlMs = found.ttlSecs === undefined ? USUAL_MS : found.ttlSecs * 1000;
      if (found.endpoints.length === 0) this.#absent(entry);
      else this.#known(entry, found);
      return Math.min(MOST_MS, Math.max(leastMs, ttlMs));
    } catch (error) {
      entry.emptySinceMs = undefined;
      if (this.#tell) this.#fail(entry, (error as Error).message);
      return USUAL_MS;
    }
  }

  #absent(entry: Entry): void {
    const { absentMs = ABSENT_MS } = this.#options;
    const nowMs = performance.now();
    // Not since it was known: the first answer of servers that were down for longer would take all workers out.
    entry.emptySinceMs ??= nowMs;
    if (entry.endpoints.length === 0 || nowMs - entry.emptySinceMs < absentMs) this.#fail(entry, 'it has no addresses');
    else {
      this.#log.warning('a DNS name has no addresses any more: its workers go', { name: entry.name });
      this.#known(entry, { endpoints: [], ttlSecs: undefined });
    }
  }

  #known(entry: Entry, { endpoints }: Addresses): void {
    if (entry.problem !== undefined) this.#log.info('a DNS name has addresses again', { name: entry.name });
    entry.problem = undefined;
    entry.knownMs = performance.now();
    entry.emptySinceMs = undefined;
    entry.endpoints = endpoints;
    const { apiKey } = this.#options;
    const all = this.#entries.flatMap((each) => each.endpoints);
    this.#tell?.(all.map((endpoint) => ({ spec: { url: `http://${endpoint}`, apiKey } })));
  }

  /** Notes a failure; what was known before stays. */
  #fail(entry: Entry, problem: string): void {
    if (entry.problem === problem) return;
    entry.problem = problem;
    const { name, endpoints } = entry;
    this.#log.warning('a DNS name cannot be resolved, asked again', { name, problem, kept: endpoints.length });
  }
}
