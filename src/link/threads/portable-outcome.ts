import type { Outcome } from '../outcome.ts';
import type { PortableOutcome } from './messages.ts';
import { errorOf, portable } from './portable-error.ts';

/** What an outcome is on its way to another thread. */
export function portableOutcome(outcome: Outcome): PortableOutcome {
  return outcome.kind === 'failed' ? { ...outcome, error: portable(outcome.error) } : outcome;
}

/** The outcome again, in the thread that it came to. */
export function outcomeOf(sent: PortableOutcome): Outcome {
  return sent.kind === 'failed' ? { ...sent, error: errorOf(sent.error) } : sent;
}
