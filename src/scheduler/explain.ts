import type { Log } from '../observe/log/log.ts';
import type { Choice, Policy } from './policies/policy.ts';

/** Logs the candidates' scores at level debug. */
export function explain(choice: Choice, policy: Policy, log: Log): void {
  if (!log.debugEnabled) return;
  log.debug('worker chosen', {
    worker: choice.candidate.url,
    policy: policy.name,
    reason: choice.reason,
    matchedBytes: choice.matchedBytes,
    scores: JSON.stringify(choice.scores ?? []),
  });
}
