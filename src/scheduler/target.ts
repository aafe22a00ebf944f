import type { ChosenCall, Comparison, Ticket, WaitingCall, WorkerCallEnd } from '../fleet/call.ts';
import type { CallTarget } from '../link/assignment.ts';
import type { Candidate } from './policies/policy.ts';

/** A worker, or a rank of one, as the scheduler sees it. */
export interface Target extends Candidate, CallTarget {
  /** Counts chunks of all answers; a stuck server's does not move. */
  activity: number;
  waits(call: WaitingCall): void;
  /** The call waits no more; `answered` tells whether its first byte came. */
  waitsNoMore(call: WaitingCall, answered: boolean): void;
  /** Whether requests of that kind should go to other workers if possible. */
  holds(kind: string | undefined): boolean;
  /** Called first at a choice; pass the ticket back to `settled`. */
  chosen(call: ChosenCall): Ticket;
  /** Whether an error in answer to the call should be compared with another worker's answer. */
  doubts(call: ChosenCall): boolean;
  /** Another worker is being asked the same. */
  comparing(call: ChosenCall): void;
  /** Tells what other workers answered; `wasAwaited` if `comparing` was called. */
  compared(call: ChosenCall, comparison: Comparison, wasAwaited: boolean): void;
  /** A good answer to the call has begun. */
  answered(call: ChosenCall): void;
  /** Called once for each `chosen`; false if the end says nothing of the worker. */
  settled(call: ChosenCall, end: WorkerCallEnd, ticket: Ticket): boolean;
  /** Called when no process listens at the address. */
  unreachable(problem: string): void;
}
