import type { RequestRecord } from '../request-record.ts';
import type { Fields } from './line.ts';

const LONGEST_PATH = 200;

/** The fields of the one line that each request gets. */
export function accessFields(record: RequestRecord): Fields {
  return {
    id: record.id,
    method: record.method,
    path: record.path.length > LONGEST_PATH ? `${record.path.slice(0, LONGEST_PATH)}…` : record.path,
    status: record.clientLeft ? 'client left' : record.status,
    error: record.errorCode,
    error_event: record.errorEvent,
    model: record.model?.slice(0, LONGEST_PATH),
    worker: record.worker,
    policy: record.policy,
    reason: record.reason,
    matched_bytes: record.promptBytes > 0 ? record.matchedBytes : undefined,
    attempts: record.attempts,
    queue_ms: tenths(record.queueMs),
    ttft_ms: record.firstByteMs === undefined ? undefined : tenths(record.firstByteMs),
    total_ms: tenths(record.totalMs),
    prompt_tokens: record.promptTokens,
    cached_tokens: record.cachedTokens,
    completion_tokens: record.completionTokens,
    request_bytes: record.requestBytes,
    answer_bytes: record.answerBytes,
  };
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
