/** What came of telling a worker to flush its cache; `problem` where it did not. */
interface FlushAnswer {
  readonly worker: string;
  readonly problem: string | undefined;
}

/** The answer to `/flush_cache`, as 0.3.2 gives it: 200, or 206 where some workers failed. */
export function flushReport(answers: readonly FlushAnswer[]): { readonly status: 200 | 206; readonly body: object } {
  const flushed = answers.filter(({ problem }) => problem === undefined).map(({ worker }) => worker);
  const failed = answers.flatMap(({ worker, problem }) => (problem === undefined ? [] : [{ worker, error: problem }]));
  const counts = {
    workers_flushed: flushed.length,
    total_http_workers: answers.length,
    total_workers: answers.length,
  };
  if (failed.length > 0) {
    const message = `Cache flush: ${flushed.length} succeeded, ${failed.length} failed`;
    return { status: 206, body: { status: 'partial_success', message, ...counts, successful: flushed, failed } };
  }
  const message =
    answers.length === 0
      ? 'No HTTP workers available for cache flush'
      : `Successfully flushed cache on all ${answers.length} HTTP workers`;
  return { status: 200, body: { status: 'success', message, ...counts } };
}
