import type { Outcome } from '../outcome.ts';
import type { PortableOutcome } from './messages.ts';
import { errorOf, portable } from './portable-error.ts';

/** Makes an outcome portable between threads. */
export function portableOutcome(outcome: Outcome): PortableOutcome {
  return outcome.kind === 'failed' ? { ...outcome, error: portable(outcome.error) } : outcome;
}

/** Restores an outcome in the receiving thread. */
export function outcomeOf(sent: PortableOutcome): Outcome {
  return sent.kind === 'failed' ? { ...sent, error: errorOf(sent.error) } : sent;
}
