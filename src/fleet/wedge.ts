import type { Log } from '../observe/log/log.ts';
import type { Breaker } from './breaker.ts';
import type { WaitingCall } from './call.ts';
import type { Clock } from './clock.ts';
import type { FirstByte } from './first-bytes.ts';
import { RankProgress } from './rank-progress.ts';
import type { Worker } from './worker.ts';
import type { WorkerTarget } from './worker-target.ts';

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
/** A rank of a server that other ranks answer for: then the load that it reports is looked at, twice. */
const RANK_WAITS: Patience = { leastMs: 10_000, times: 5, answered: 3 };
/** So many make it improbable that just they take long. */
const SEVERAL = 3;

/** How a server that is silent compares with its peers. */
interface Evidence {
  /** Calls of kinds that peers answered lately, longest waiting first. */
  readonly comparable: readonly WaitingCall[];
  readonly silentMs: number;
  /** The longest that a peer took lately for calls like those; undefined when none has answered such. */
  readonly expectedMs: number | undefined;
  readonly answered: number;
}

/** A server or one of its ranks, as it is judged. */
interface Judged {
  /** Calls without a first byte, longest waiting first. */
  readonly waiting: readonly WaitingCall[];
  /** When a byte of an answer came last. */
  readonly movedMs: number;
  readonly breaker: Breaker;
}

/** Finds servers, and single ranks of them, that take requests and answer nothing while their peers do. One timer looks at all. */
export class Wedge {
  readonly #workers: ReadonlyMap<string, Worker>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #progress: RankProgress;
  readonly #nextAskMs = new WeakMap<Worker, number>();
  #cancel: (() => void) | undefined;

  constructor(workers: ReadonlyMap<string, Worker>, clock: Clock, log: Log) {
    this.#workers = workers;
    this.#clock = clock;
    this.#log = log;
    this.#progress = new RankProgress(clock);
  }

  start(): void {
    this.#cancel ??= this.#clock.after(LOOK_MS, () => this.#look());
  }

  stop(): void {
    this.#cancel?.();
  }

  #look(): void {
    this.#cancel = this.#clock.after(LOOK_MS, () => this.#look());
    for (const worker of this.#workers.values()) {
      worker.health.look();
      for (const target of worker.targets) target.look();
    }
    for (const worker of this.#workers.values()) {
      const { waiting } = worker;
      if (waiting.length > 0) this.#judge(worker, waiting);
      if (worker.targets.length > 1) this.#judgeRanks(worker);
    }
  }

  #judge(worker: Worker, waiting: readonly WaitingCall[]): void {
    const all = [...this.#workers.values()].filter(({ role }) => role === worker.role);
    const peers = all.filter((peer) => peer !== worker && peer.available);
    if (peers.length === 0) return;
    const judged = { waiting, movedMs: worker.health.movedMs, breaker: worker.breaker };
    const peerTargets = peers.flatMap(({ targets }) => targets);
    const evidence = this.#compare(judged, peerTargets);
    if (isWedged(judged, evidence, isRoomFor(all.map(({ breaker }) => breaker)))) {
      this.#wedged(worker, evidence, 'while others answer');
    } else if (exceeds(evidence, SUSPECT) && !worker.health.disabled) void this.#suspect(worker, waiting[0], evidence);
  }

  /** Its ranks share all but their schedulers: one that hangs leaves the server healthy, its connections and the other ranks too. */
  #judgeRanks(worker: Worker): void {
    const all = [...this.#workers.values()]
      .filter(({ role, available }) => role === worker.role && available)
      .flatMap(({ targets }) => targets);
    for (const target of worker.targets) {
      const { firstBytes, movedMs, breaker } = target;
      if (firstBytes.waiting.length === 0 || breaker === undefined) continue;
      const peers = all.filter((peer) => peer !== target && peer.admits);
      const judged = { waiting: [...firstBytes.waiting], movedMs, breaker };
      const evidence = this.#compare(judged, peers);
      const mayTake = isRoomFor(all.flatMap((one) => one.breaker ?? []));
      if (isWedged(judged, evidence, mayTake)) this.#hangs(target, evidence);
      else if (mayTake && breaker.admits && exceeds(evidence, RANK_WAITS)) void this.#suspectRank(target, evidence);
    }
  }

  #compare({ waiting, movedMs }: Judged, peers: readonly WorkerTarget[]): Evidence {
    const now = this.#clock.now();
    const firstBytes = peers
      .flatMap(({ firstBytes }) => firstBytes.recent)
      .filter(({ atMs }) => now - atMs <= RECENT_MS);
    const answeredKinds = new Set(firstBytes.map(({ streams }) => streams));
    // Calls of a kind that nobody has answered prove nothing, and must not hide what the others prove.
    const comparable = waiting.filter(({ streams }) => answeredKinds.has(streams));
    const startedMs = (comparable[0] ?? waiting[0])?.startedMs ?? now;
    return {
      comparable,
      silentMs: now - Math.max(startedMs, movedMs),
      expectedMs: expectedMs(comparable, firstBytes),
      // Not since it last moved: by then every client may wait for it, and nobody is left to ask its peers.
      answered: firstBytes.filter(({ sentMs }) => sentMs >= startedMs).length,
    };
  }

  /** Silence alone is no proof: asks for its health, and believes that. */
  async #suspect(worker: Worker, call: WaitingCall | undefined, evidence: Evidence): Promise<void> {
    const now = this.#clock.now();
    if (now < (this.#nextAskMs.get(worker) ?? 0)) return;
    this.#nextAskMs.set(worker, now + ASK_EVERY_MS);
    const { activity } = worker;
    const problem = await worker.health.ask();
    const still = activity === worker.activity && call !== undefined && worker.waiting.includes(call);
    if (problem?.refused) worker.lost(problem.text);
    else if (problem && still) this.#wedged(worker, evidence, `and its health check failed: ${problem.text}`);
  }

  /** The server's health says nothing of one rank, but what it reports of the rank's load does. */
  async #suspectRank(target: WorkerTarget, evidence: Evidence): Promise<void> {
    const { first: call } = target.firstBytes.waiting;
    const stands = await this.#progress.stands(target);
    const still = call !== undefined && target.firstBytes.waiting.has(call) && target.breaker?.admits === true;
    if (stands && still) this.#hangs(target, evidence, ', its reported load unchanged,');
  }

  #hangs(target: WorkerTarget, { silentMs }: Evidence, more = ''): void {
    const waiting = target.firstBytes.waiting.length;
    const reason = `silent for ${Math.round(silentMs / 1_000)} s with ${waiting} requests waiting${more} while others answer`;
    this.#log.warning('rank hangs: what waits there goes elsewhere', { worker: target.url, problem: reason });
    target.hangs(reason);
  }

  #wedged(worker: Worker, { silentMs }: Evidence, why: string): void {
    const reason = `silent for ${Math.round(silentMs / 1_000)} s with ${worker.waiting.length} requests waiting, ${why}`;
    this.#log.warning('worker hangs: what waits there goes elsewhere', { worker: worker.url, problem: reason });
    worker.wedged(reason);
  }
}

/** Whatever makes the requests slow moves on with them: it must not take out one after the other, so no more than half. */
function isRoomFor(breakers: readonly Breaker[]): boolean {
  return (breakers.filter(({ tripped }) => tripped).length + 1) * 2 <= breakers.length;
}

function isWedged({ breaker }: Judged, evidence: Evidence, mayTake: boolean): boolean {
  if (breaker.state === 'half_open') return exceeds({ ...evidence, expectedMs: evidence.expectedMs ?? 0 }, PROBE_WAITS);
  if (!mayTake) return false;
  const { comparable } = evidence;
  const streams = comparable.filter((call) => call.streams).length;
  return (
    (streams >= SEVERAL && exceeds(evidence, STREAMS_WAIT)) ||
    (streams > 0 && exceeds(evidence, ONE_STREAM_WAITS)) ||
    (comparable.length >= SEVERAL && exceeds(evidence, CALLS_WAIT))
  );
}

function exceeds({ silentMs, expectedMs, answered }: Evidence, patience: Patience): boolean {
  if (expectedMs === undefined || answered < patience.answered) return false;
  return silentMs > Math.max(patience.leastMs, patience.times * expectedMs);
}

/** The longest that peers took lately for a call of the kind, more for a call with more to read; they have answered each kind that waits. */
function expectedMs(waiting: readonly WaitingCall[], firstBytes: readonly FirstByte[]): number | undefined {
  let longest: number | undefined;
  for (const kind of [true, false]) {
    const bodies = waiting.filter(({ streams }) => streams === kind).map(({ bodyBytes }) => bodyBytes);
    if (bodies.length === 0) continue;
    const alike = firstBytes.filter(({ streams }) => streams === kind);
    const tookMs = Math.max(...alike.map(({ sentMs, atMs }) => atMs - sentMs));
    const read = Math.max(1, ...alike.map(({ bodyBytes }) => bodyBytes));
    longest = Math.max(longest ?? 0, tookMs * Math.max(1, Math.max(...bodies) / read));
  }
  return longest;
}
