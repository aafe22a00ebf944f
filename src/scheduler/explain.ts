import type { ClientRequest } from '../http/edge/client-request.ts';
import type { Log } from '../observe/log/log.ts';
import type { Choice, Policy } from './policies/policy.ts';

const EXPLAIN = 'x-sglang-router-explain';

/** Whether the client wants the scores of all candidates in a header of its answer. */
export function asksToExplain(request: ClientRequest): boolean {
  return request.headers[EXPLAIN] === '1';
}

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
