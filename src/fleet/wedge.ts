import type { Log } from '../observe/log/log.ts';
import type { Breaker } from './breaker.ts';
import type { WaitingCall } from './call.ts';
import type { Clock } from './clock.ts';
import type { FirstByte } from './first-bytes.ts';
import { RankProgress } from './rank-progress.ts';
import type { Worker } from './worker.ts';
import type { WorkerTarget } from './worker-target.ts';

const LOOK_MS = 1_000;
/** Age up to which first bytes are compared. */
const RECENT_MS = 300_000;
const ASK_EVERY_MS = 5_000;

/** How long a server may be silent: a least time, and a multiple of its peers' time. */
interface Patience {
  readonly leastMs: number;
  readonly times: number;
  /** Number of later calls that its peers must have answered. */
  readonly answered: number;
}

/** Patience until a server's health is checked. */
const SUSPECT: Patience = { leastMs: 3_000, times: 3, answered: 1 };
/** Patience with streams until a server counts as wedged, whatever its health check says. */
const STREAMS_WAIT: Patience = { leastMs: 10_000, times: 5, answered: 3 };
const ONE_STREAM_WAITS: Patience = { leastMs: 30_000, times: 10, answered: 10 };
/** Patience with calls that are not streamed, whose long answers are silent too. */
const CALLS_WAIT: Patience = { leastMs: 20_000, times: 10, answered: 10 };
/** Patience with a probe of a worker that was taken out before. */
const PROBE_WAITS: Patience = { leastMs: 10_000, times: 3, answered: 0 };
/** Patience with a rank while other ranks answer; then its reported load is read twice. */
const RANK_WAITS: Patience = { leastMs: 10_000, times: 5, answered: 3 };
/** Number of waiting calls that makes coincidence improbable. */
const SEVERAL = 3;

/** How a silent server compares with its peers. */
interface SilenceEvidence {
  /** Waiting calls of kinds that peers answered lately, the longest waiting first. */
  readonly comparable: readonly WaitingCall[];
  readonly silentMs: number;
  /** The longest time a peer took lately for such calls; undefined if none answered any. */
  readonly expectedMs: number | undefined;
  readonly answered: number;
}

/** A server, or one of its ranks, that is judged. */
interface Judged {
  /** Calls that wait for their first byte, the longest waiting first. */
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

  /** Judges the ranks of a server: one that hangs leaves the server and the other ranks healthy. */
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

  #compare({ waiting, movedMs }: Judged, peers: readonly WorkerTarget[]): SilenceEvidence {
    const now = this.#clock.now();
    const firstBytes = peers
      .flatMap(({ firstBytes }) => firstBytes.recent)
      .filter(({ atMs }) => now - atMs <= RECENT_MS);
    const answeredKinds = new Set(firstBytes.map(({ streams }) => streams));
    // Calls of a kind that no peer answered prove nothing, and must not hide the others.
    const comparable = waiting.filter(({ streams }) => answeredKinds.has(streams));
    const startedMs = (comparable[0] ?? waiting[0])?.startedMs ?? now;
    return {
      comparable,
      silentMs: now - Math.max(startedMs, movedMs),
      expectedMs: expectedMs(comparable, firstBytes),
      // Counted since the call, not since the server moved: by now all clients may wait for it and send its peers nothing.
      answered: firstBytes.filter(({ sentMs }) => sentMs >= startedMs).length,
    };
  }

  /** Checks the health of a silent server, as silence alone is no proof. */
  async #suspect(worker: Worker, call: WaitingCall | undefined, evidence: SilenceEvidence): Promise<void> {
    const now = this.#clock.now();
    if (now < (this.#nextAskMs.get(worker) ?? 0)) return;
    this.#nextAskMs.set(worker, now + ASK_EVERY_MS);
    const { activity } = worker;
    const problem = await worker.health.ask();
    const still = activity === worker.activity && call !== undefined && worker.waiting.includes(call);
    if (problem?.refused) worker.lost(problem.text);
    else if (problem && still) this.#wedged(worker, evidence, `and its health check failed: ${problem.text}`);
  }

  /** Reads a silent rank's reported load, as the server's health says nothing of it. */
  async #suspectRank(target: WorkerTarget, evidence: SilenceEvidence): Promise<void> {
    const { first: call } = target.firstBytes.waiting;
    const stands = await this.#progress.stands(target);
    const still = call !== undefined && target.firstBytes.waiting.has(call) && target.breaker?.admits === true;
    if (stands && still) this.#hangs(target, evidence, ', its reported load unchanged,');
  }

  #hangs(target: WorkerTarget, { silentMs }: SilenceEvidence, more = ''): void {
    const waiting = target.firstBytes.waiting.length;
    const reason = `silent for ${Math.round(silentMs / 1_000)} s with ${waiting} requests waiting${more} while others answer`;
    this.#log.warning('rank hangs: what waits there goes elsewhere', { worker: target.url, problem: reason });
    target.hangs(reason);
  }

  #wedged(worker: Worker, { silentMs }: SilenceEvidence, why: string): void {
    const reason = `silent for ${Math.round(silentMs / 1_000)} s with ${worker.waiting.length} requests waiting, ${why}`;
    this.#log.warning('worker hangs: what waits there goes elsewhere', { worker: worker.url, problem: reason });
    worker.wedged(reason);
  }
}

/** Limits wedged workers to half of them: slow requests move on, and must not take out one after another. */
function isRoomFor(breakers: readonly Breaker[]): boolean {
  return (breakers.filter(({ tripped }) => tripped).length + 1) * 2 <= breakers.length;
}

function isWedged({ breaker }: Judged, evidence: SilenceEvidence, mayTake: boolean): boolean {
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

function exceeds({ silentMs, expectedMs, answered }: SilenceEvidence, patience: Patience): boolean {
  if (expectedMs === undefined || answered < patience.answered) return false;
  return silentMs > Math.max(patience.leastMs, patience.times * expectedMs);
}

/** The longest time peers took lately for waiting calls of a kind, longer for larger bodies. */
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
