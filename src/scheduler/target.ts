import type { CallEnd, ChosenCall, Comparison, Ticket } from '../fleet/call.ts';
import type { InLine } from '../fleet/line.ts';
import type { WorkerClient } from '../http/upstream/worker-client.ts';
import type { Candidate } from './policies/policy.ts';

/** A call that was sent and has had no byte of an answer yet. */
export interface WaitingCall extends InLine<WaitingCall> {
  /** On the clock of `performance.now()`. */
  readonly startedMs: number;
  /** The client asked for a stream. */
  readonly streams: boolean;
  readonly bodyBytes: number;
  /** Ends it as failed before its first byte: another worker may be asked. */
  abandon(reason: string): void;
}

/** A worker as the data path sees it. */
export interface Target extends Candidate {
  /** The URL of its server: of all ranks of one the same. */
  readonly server: string;
  /** Put before every request path; '' as a rule. */
  readonly basePath: string;
  readonly slot: number;
  readonly client: WorkerClient;
  /** Sent in place of the client's own `authorization`; undefined where the worker has no key. */
  readonly authorization: string | undefined;
  /** The data-parallel rank that is to answer; undefined where the server is one target. */
  readonly rank: number | undefined;
  /** Prefill: where decode servers reach it, a name or an address without brackets. */
  readonly bootstrapHost: string;
  /** Prefill: the port there; null where it has none, which some transfers do not need. */
  readonly bootstrapPort: number | null;
  /** Counts the chunks of all answers; whether it moves tells a busy server from a stuck one. */
  activity: number;
  waits(call: WaitingCall): void;
  /** `answered` tells whether its first byte came. */
  waitsNoMore(call: WaitingCall, answered: boolean): void;
  /** Requests of that kind should go to others while there are any. */
  holds(kind: string | undefined): boolean;
  /** At the choice, before anything else happens. The ticket goes back with `settled`. */
  chosen(call: ChosenCall): Ticket;
  /** Whether an error in answer to the call is to be compared with what another worker says. */
  doubts(call: ChosenCall): boolean;
  /** Another worker is asked. */
  comparing(call: ChosenCall): void;
  /** What others say; `wasAwaited` where `comparing` was called. */
  compared(call: ChosenCall, comparison: Comparison, wasAwaited: boolean): void;
  /** A good answer to the call has begun. */
  answered(call: ChosenCall): void;
  /** Once for each `chosen`; false where it says nothing of the worker. */
  settled(call: ChosenCall, end: CallEnd, ticket: Ticket): boolean;
  /** Told when nobody listens there. */
  unreachable(problem: string): void;
}
