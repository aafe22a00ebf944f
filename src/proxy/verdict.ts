import type { Outcome } from './outcome.ts';

/** What a request says of its worker. */
export type Verdict = 'success' | 'failure' | 'neutral';

/** Statuses that speak of load (408, 429, 503) or of what was asked for (501, 505): not of the worker's health. */
const NEUTRAL: ReadonlySet<number> = new Set([408, 429, 501, 503, 505]);

/** The one place that tells a worker's failure from everybody else's. */
export function verdictOf(outcome: Outcome): Verdict {
  switch (outcome.kind) {
    case 'answered':
    case 'rejected':
      if (NEUTRAL.has(outcome.status)) return 'neutral';
      return outcome.status < 500 ? 'success' : 'failure';
    case 'client_gone':
      return 'neutral';
    case 'failed':
      return outcome.blameless ? 'neutral' : 'failure';
  }
}
