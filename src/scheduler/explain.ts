import type { Log } from '../observe/log/log.ts';
import type { Choice, Policy } from './policies/policy.ts';

/** The scores of the candidates, in the log of those who read all of it. */
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
