import type { ChosenCall, Evidence, WorkerCallEnd } from '../../src/fleet/call.ts';
import type { WorkerTarget } from '../../src/fleet/worker-target.ts';

/** A call that is compared with nobody's, unless it is of a kind. */
export function aCall(startedMs = 0, kind?: string): ChosenCall {
  return { startedMs, kind };
}

/** The end of a call that says so much of its worker. */
export function endOf(evidence: Evidence, status?: number, retryAfterMs?: number): WorkerCallEnd {
  const verdict =
    evidence === 'failure' ? 'failure' : evidence === 'busy' || evidence === 'none' ? 'neutral' : 'success';
  return {
    verdict,
    cause: verdict === 'failure' ? `status ${status}` : undefined,
    evidence,
    status,
    retryAfterMs,
    repeated: false,
    broke: false,
  };
}

/** A call that fails there. */
export function failOn(target: WorkerTarget): void {
  const call = aCall();
  target.settled(call, endOf('failure', 500), target.chosen(call));
}
