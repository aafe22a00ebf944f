import type { WorkerClient } from '../http/worker-client.ts';
import type { CallEnd, ChosenCall, Comparison } from '../state/call.ts';
import type { Slots } from '../state/slots.ts';
import type { WaitingCall } from './silence.ts';
import type { Worker } from './worker.ts';

/** What a request is routed to: a server, or one of its data-parallel ranks. All but the counters is the server's. */
export class WorkerTarget {
  readonly worker: Worker;
  readonly url: string;
  readonly slot: number;
  /** Data-parallel rank; undefined where the server is one target. */
  readonly rank: number | undefined;
  readonly #slots: Slots;

  constructor(worker: Worker, slots: Slots, rank?: number) {
    this.worker = worker;
    this.url = rank === undefined ? worker.url : `${worker.url}@${rank}`;
    this.slot = slots.claim();
    this.rank = rank;
    this.#slots = slots;
  }

  get server(): string {
    return this.worker.url;
  }

  get basePath(): string {
    return this.worker.basePath;
  }

  get client(): WorkerClient {
    return this.worker.client;
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

  /** Tokens that its KV cache holds; undefined where the server does not tell. */
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
    this.worker.activity = count;
  }

  /** A call was sent and waits for its first byte. */
  waits(call: WaitingCall): void {
    this.worker.silence.waits(call);
  }

  /** Its first byte came (`answered`), or it ended without one. */
  waitsNoMore(call: WaitingCall, answered: boolean): void {
    this.worker.silence.waitsNoMore(call, answered);
  }

  /** Requests of that kind should go to others. */
  holds(kind: string | undefined): boolean {
    return this.worker.conducts.holds(kind);
  }

  /** The ticket goes back with `settled`. */
  chosen(call: ChosenCall): number {
    this.worker.conducts.chosen(call);
    return this.worker.breaker.chosen();
  }

  /** Whether an error in answer to the call is to be compared with what another worker says. */
  doubts(call: ChosenCall): boolean {
    return this.worker.conducts.doubts(call);
  }

  /** Another worker is asked. */
  comparing(call: ChosenCall): void {
    this.worker.conducts.comparing(call);
  }

  /** What others say; `wasAwaited` where `comparing` was called. */
  compared(call: ChosenCall, comparison: Comparison, wasAwaited: boolean): void {
    this.worker.conducts.compared(call, comparison, wasAwaited);
  }

  /** A good answer has begun. */
  answered(call: ChosenCall): void {
    this.worker.conducts.answered(call);
  }

  settled(call: ChosenCall, end: CallEnd, ticket: number): void {
    this.worker.breaker.settled(end.verdict, ticket);
    this.worker.conducts.ended(call, end);
    if (end.status === 401 || end.status === 403) this.worker.credential.doubt();
  }

  /** Nobody listens there: no traffic until the server answers a health check again. */
  unreachable(problem: string): void {
    this.worker.lost(problem);
  }

  /** Frees the counters once the last request has settled; resolves then. */
  retire(): Promise<void> {
    return this.#slots.retire(this.slot);
  }
}
