import type { Evidence, Verdict } from '../fleet/call.ts';
import type { Outcome } from '../link/outcome.ts';
import { BUSY } from '../link/statuses.ts';

/** Statuses about load (408, 429, 503, 529) or the request (501, 505), not about the worker's health. */
const NEUTRAL: ReadonlySet<number> = new Set([408, 429, 501, 503, 505, 529]);
/** Statuses of a refused key or an unknown path, which equal workers all give or none. */
const REFUSALS: ReadonlySet<number> = new Set([401, 403, 404, 405, 407, 410, 421, 426]);

/** The one place that decides whether a failure is the worker's. */
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

/** What an outcome says of a worker compared with its peers. */
export function evidenceOf(outcome: Outcome): Evidence {
  switch (outcome.kind) {
    case 'answered':
    case 'rejected':
      return evidenceOfStatus(outcome.status);
    case 'client_gone':
      return 'none';
    case 'failed':
      return outcome.blameless ? 'none' : 'failure';
  }
}

function evidenceOfStatus(status: number): Evidence {
  if (status < 400) return 'good';
  if (BUSY.has(status)) return 'busy';
  if (REFUSALS.has(status)) return 'refusal';
  return status < 500 || NEUTRAL.has(status) ? 'complaint' : 'failure';
}
