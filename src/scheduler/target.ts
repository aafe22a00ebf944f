import type { ChosenCall, Comparison, Ticket, WaitingCall, WorkerCallEnd } from '../fleet/call.ts';
import type { CallTarget } from '../link/assignment.ts';
import type { Candidate } from './policies/policy.ts';

/** A worker, or a rank of one, as the scheduler sees it. */
export interface Target extends Candidate, CallTarget {
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
  settled(call: ChosenCall, end: WorkerCallEnd, ticket: Ticket): boolean;
  /** Told when nobody listens there. */
  unreachable(problem: string): void;
}
