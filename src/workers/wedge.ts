import type { Log } from '../log.ts';
import type { Clock } from './clock.ts';
import type { FirstByte, WaitingCall } from './silence.ts';
import type { Worker } from './worker.ts';

const LOOK_MS = 1_000;
/** Old first bytes say little of what one takes now. */
const RECENT_MS = 300_000;
const ASK_EVERY_MS = 5_000;

/** How long a server may be silent, at the least and as a multiple of what its peers take. */
interface Patience {
  readonly leastMs: number;
  readonly times: number;
  /** Calls that its peers have answered since, sent later. */
  readonly answered: number;
}

/** Then its health is asked. */
const SUSPECT: Patience = { leastMs: 3_000, times: 3, answered: 1 };
/** Then it is wedged, however healthy it says it is. */
const STREAMS_WAIT: Patience = { leastMs: 10_000, times: 5, answered: 3 };
const ONE_STREAM_WAITS: Patience = { leastMs: 30_000, times: 10, answered: 10 };
/** A long answer that is not streamed is silent too, so it takes several, and longer. */
const CALLS_WAIT: Patience = { leastMs: 20_000, times: 10, answered: 10 };
/** A probe of a worker that was taken out before. */
const PROBE_WAITS: Patience = { leastMs: 10_000, times: 3, answered: 0 };
/** So many make it improbable that just they take long. */
const SEVERAL = 3;

/** How a server that is silent compares with its peers. */
interface Evidence {
  readonly silentMs: number;
  /** The longest that a peer took lately for calls like those that wait; undefined when none has answered such. */
  readonly expectedMs: number | undefined;
  readonly answered: number;
}

/** Finds servers that take requests and answer nothing while their peers do. One timer looks at all. */
export class Wedge {
  readonly #workers: ReadonlyMap<string, Worker>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #nextAskMs = new WeakMap<Worker, number>();
  #cancel: (() => void) | undefined;

  constructor(workers: ReadonlyMap<string, Worker>, clock: Clock, log: Log) {
    this.#workers = workers;
    this.#clock = clock;
    this.#log = log;
  }

  start(): void {
    this.#cancel ??= this.#clock.after(LOOK_MS, () => this.#look());
  }

  stop(): void {
    this.#cancel?.();
  }

  #look(): void {
    this.#cancel = this.#clock.after(LOOK_MS, () => this.#look());
    for (const worker of this.#workers.values()) worker.health.look();
    for (const worker of this.#workers.values()) if (worker.silence.waiting.length > 0) this.#judge(worker);
  }

  #judge(worker: Worker): void {
    const all = [...this.#workers.values()].filter(({ role }) => role === worker.role);
    const peers = all.filter((peer) => peer !== worker && peer.available);
    if (peers.length === 0) return;
    const evidence = this.#compare(worker, peers);
    if (isWedged(worker, evidence, all)) this.#wedged(worker, evidence, 'while others answer');
    else if (exceeds(evidence, SUSPECT) && !worker.health.disabled) void this.#suspect(worker, evidence);
  }

  #compare({ silence, health }: Worker, peers: readonly Worker[]): Evidence {
    const now = this.#clock.now();
    const { first } = silence.waiting;
    const sinceMs = Math.max(first?.startedMs ?? now, health.movedMs);
    const firstBytes = peers.flatMap((peer) => peer.silence.firstBytes).filter(({ atMs }) => now - atMs <= RECENT_MS);
    return {
      silentMs: now - sinceMs,
      expectedMs: expectedMs(silence.waiting, firstBytes),
      // Not since it last moved: by then every client may wait for it, and nobody is left to ask its peers.
      answered: firstBytes.filter(({ sentMs }) => sentMs >= (first?.startedMs ?? now)).length,
    };
  }

  /** Silence alone is no proof: asks for its health, and believes that. */
  async #suspect(worker: Worker, evidence: Evidence): Promise<void> {
    const now = this.#clock.now();
    if (now < (this.#nextAskMs.get(worker) ?? 0)) return;
    this.#nextAskMs.set(worker, now + ASK_EVERY_MS);
    const { activity } = worker;
    const { first: call } = worker.silence.waiting;
    const problem = await worker.health.ask();
    const still = activity === worker.activity && call !== undefined && worker.silence.waiting.has(call);
    if (problem?.refused) worker.lost(problem.text);
    else if (problem && still) this.#wedged(worker, evidence, `and its health check failed: ${problem.text}`);
  }

  #wedged(worker: Worker, { silentMs }: Evidence, why: string): void {
    const waiting = worker.silence.waiting.length;
    const reason = `silent for ${Math.round(silentMs / 1_000)} s with ${waiting} requests waiting, ${why}`;
    this.#log.warning('worker hangs: what waits there goes elsewhere', { worker: worker.url, problem: reason });
    worker.wedged(reason);
  }
}

function isWedged(worker: Worker, evidence: Evidence, all: readonly Worker[]): boolean {
  if (worker.breaker.state === 'half_open')
    return exceeds({ ...evidence, expectedMs: evidence.expectedMs ?? 0 }, PROBE_WAITS);
  // Whatever makes the requests slow moves on with them: it must not take one worker out after the other.
  const wedged = all.filter(({ breaker }) => breaker.tripped).length;
  if ((wedged + 1) * 2 > all.length) return false;
  const calls = [...worker.silence.waiting];
  const streams = calls.filter((call) => call.streams).length;
  return (
    (streams >= SEVERAL && exceeds(evidence, STREAMS_WAIT)) ||
    (streams > 0 && exceeds(evidence, ONE_STREAM_WAITS)) ||
    (calls.length >= SEVERAL && exceeds(evidence, CALLS_WAIT))
  );
}

function exceeds({ silentMs, expectedMs, answered }: Evidence, patience: Patience): boolean {
  if (expectedMs === undefined || answered < patience.answered) return false;
  return silentMs > Math.max(patience.leastMs, patience.times * expectedMs);
}

/** The longest that peers took lately for a call of the kind, more for a call with more to read. */
function expectedMs(waiting: Iterable<WaitingCall>, firstBytes: readonly FirstByte[]): number | undefined {
  let longest: number | undefined;
  for (const kind of [true, false]) {
    const bodies = [...waiting].filter(({ streams }) => streams === kind).map(({ bodyBytes }) => bodyBytes);
    if (bodies.length === 0) continue;
    const alike = firstBytes.filter(({ streams }) => streams === kind);
    if (alike.length === 0) return undefined;
    const tookMs = Math.max(...alike.map(({ sentMs, atMs }) => atMs - sentMs));
    const read = Math.max(1, ...alike.map(({ bodyBytes }) => bodyBytes));
    longest = Math.max(longest ?? 0, tookMs * Math.max(1, Math.max(...bodies) / read));
  }
  return longest;
}
