import { RequestRecord } from '../../src/observe/request-record.ts';

/** A request that one worker answered well, with these fields changed. */
export function answeredRequest(fields: Partial<RequestRecord> = {}): RequestRecord {
  const record = new RequestRecord(
    fields.id ?? 'gnt-1',
    fields.method ?? 'POST',
    fields.path ?? '/generate',
    fields.route ?? '/generate',
  );
  return Object.assign(record, {
    worker: 'http://w0:8000',
    policy: 'cache_aware',
    reason: 'match',
    attempts: 1,
    status: 200,
    totalMs: 1_500,
    ...fields,
  });
}
