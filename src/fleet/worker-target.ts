import type { WorkerClient } from '../http/upstream/worker-client.ts';
import { Breaker, type BreakerOptions } from './breaker.ts';
import type { ChosenCall, Comparison, Ticket, WaitingCall, WorkerCallEnd } from './call.ts';
import type { Clock } from './clock.ts';
import type { Conducts } from './conducts.ts';
import type { Credential } from './credential.ts';
import { FirstBytes } from './first-bytes.ts';
import type { Slots } from './slots.ts';
import type { WorkerIdentity } from './worker-identity.ts';

/** What a target needs of its worker. */
interface TargetedWorker extends WorkerIdentity {
  readonly breaker: Breaker;
  readonly conducts: Conducts;
  readonly credential: Credential;
  readonly targets: readonly WorkerTarget[];
  /** Counts chunks of all its answers; a stuck server's does not move. */
  activity: number;
  /** No server listens at the worker's address any more. */
  lost(problem: string): void;
}

/** What the targets of a worker share. */
export interface TargetParts {
  readonly slots: Slots;
  readonly clock: Clock;
  readonly breaker: BreakerOptions;
  /** A rank was taken out as it hangs, may be tried, or is back. */
  readonly rankChanged: (rank: WorkerTarget) => void;
}

/** What a request is routed to: a server, or one of its data-parallel ranks, which has its own counters and may hang alone. */
export class WorkerTarget {
  readonly worker: TargetedWorker;
  readonly url: string;
  readonly slot: number;
  /** Data-parallel rank; undefined where the server is one target. */
  readonly rank: number | undefined;
  readonly firstBytes: FirstBytes;
  /** A rank's breaker, opened only when it hangs while other ranks answer. */
  readonly breaker: Breaker | undefined;
  readonly #clock: Clock;
  readonly #slots: Slots;
  #chunks = 0;
  #chunksSeen = 0;
  #movedMs = Number.NEGATIVE_INFINITY;

  constructor(worker: TargetedWorker, { slots, clock, breaker, rankChanged }: TargetParts, rank?: number) {
    this.worker = worker;
    this.firstBytes = new FirstBytes(clock);
    this.#clock = clock;
    this.url = rank === undefined ? worker.url : `${worker.url}@${rank}`;
    this.slot = slots.claim();
    this.rank = rank;
    this.#slots = slots;
    if (rank === undefined) return;
    const never = { ...breaker, failureThreshold: Number.POSITIVE_INFINITY };
    this.breaker = new Breaker(never, clock, () => rankChanged(this));
  }

  /** Whether it may get a request: it does not hang, or a probe is due. */
  get admits(): boolean {
    return this.breaker?.admits ?? true;
  }

  /** Why it gets no requests though its server does; undefined if it does. */
  get problem(): string | undefined {
    if (this.breaker === undefined || this.breaker.state === 'closed') return undefined;
    return `rank ${this.rank} hangs: ${this.breaker.reason}`;
  }

  /** When `look` last saw that bytes of an answer had come. */
  get movedMs(): number {
    return this.#movedMs;
  }

  /** Notes whether bytes have come since the last look. */
  look(): void {
    if (this.#chunks !== this.#chunksSeen) this.#movedMs = this.#clock.now();
    this.#chunksSeen = this.#chunks;
  }

  /** Takes out a rank that answers nothing while others do; waiting requests go elsewhere. */
  hangs(reason: string): void {
    this.breaker?.trip(reason);
    this.firstBytes.abandon(`worker ${this.url}: ${reason}`);
  }

  get server(): string {
    return this.worker.url;
  }

  get serverId(): number {
    return this.worker.serverId;
  }

  get basePath(): string {
    return this.worker.basePath;
  }

  get client(): WorkerClient {
    return this.worker.client;
  }

  get isLaunched(): boolean {
    return this.worker.isLaunched;
  }

  get authorization(): string | undefined {
    return this.worker.authorization;
  }

  get bootstrapHost(): string {
    return this.worker.host;
  }

  get bootstrapPort(): number | null {
    return this.worker.bootstrapPort;
  }

  /** Tokens that its KV cache holds; undefined if unknown. */
  get kvCapacityTokens(): number | undefined {
    const { facts, targets } = this.worker;
    return facts.kvCapacityTokens && facts.kvCapacityTokens / targets.length;
  }

  /** Requests in flight. */
  get load(): number {
    return this.#slots.inFlight(this.slot);
  }

  /** Chunks of all answers of the server. */
  get activity(): number {
    return this.worker.activity;
  }

  set activity(count: number) {
    this.#chunks++;
    this.worker.activity = count;
  }

  /** A call was sent and waits for its first byte. */
  waits(call: WaitingCall): void {
    this.firstBytes.waits(call);
  }

  /** The call waits no more: its first byte came (`answered`), or it ended without one. */
  waitsNoMore(call: WaitingCall, answered: boolean): void {
    this.firstBytes.waitsNoMore(call, answered);
  }

  /** Whether requests of that kind should go to other workers. */
  holds(kind: string | undefined): boolean {
    return this.worker.conducts.holds(kind);
  }

  /** Counts a choice; pass the ticket back to `settled`. */
  chosen(call: ChosenCall): Ticket {
    this.worker.conducts.chosen(call);
    const server = this.worker.breaker.chosen();
    return this.breaker === undefined ? server : [server, this.breaker.chosen()];
  }

  /** Whether an error in answer to the call should be compared with another worker's answer. */
  doubts(call: ChosenCall): boolean {
    return this.worker.conducts.doubts(call);
  }

  /** Another worker is being asked the same. */
  comparing(call: ChosenCall): void {
    this.worker.conducts.comparing(call);
  }

  /** Tells what other workers answered; `wasAwaited` if `comparing` was called. */
  compared(call: ChosenCall, comparison: Comparison, wasAwaited: boolean): void {
    this.worker.conducts.compared(call, comparison, wasAwaited);
  }

  /** A good answer to the call has begun. */
  answered(call: ChosenCall): void {
    this.worker.conducts.answered(call);
  }

  /** Counts the end of a call; false if it was chosen before the server or rank was found to hang, and says nothing. */
  settled(call: ChosenCall, end: WorkerCallEnd, ticket: Ticket): boolean {
    const { breaker, conducts } = this.worker;
    const [server, rank = 0] = typeof ticket === 'number' ? [ticket] : ticket;
    const isRankCurrent = this.breaker?.isCurrent(rank) ?? true;
    const counts = isRankCurrent && breaker.isCurrent(server);
    breaker.settled(isRankCurrent ? end.verdict : 'neutral', server, end.cause);
    this.breaker?.settled(end.verdict, rank, end.cause);
    conducts.ended(call, counts ? end : { ...end, evidence: 'none' });
    if (end.status === 401 || end.status === 403) this.worker.credential.doubt();
    return counts;
  }

  /** No process listens: no traffic until the server answers a health check again. */
  unreachable(problem: string): void {
    this.worker.lost(problem);
  }

  /** Frees the counters; resolves once the last request has settled. */
  retire(): Promise<void> {
    this.breaker?.close();
    return this.#slots.retire(this.slot);
  }
}

/** Makes the targets of a worker with `dpSize` data-parallel ranks, one for a single rank. Throws RangeError without free slots. */
export function claimTargets(worker: TargetedWorker, parts: TargetParts, dpSize: number): readonly WorkerTarget[] {
  if (dpSize === 1) return [new WorkerTarget(worker, parts)];
  const targets: WorkerTarget[] = [];
  try {
    for (let rank = 0; rank < dpSize; rank++) targets.push(new WorkerTarget(worker, parts, rank));
  } catch (error) {
    for (const target of targets) void target.retire();
    throw error;
  }
  return targets;
}
