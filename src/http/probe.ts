import type { Dispatcher } from 'undici';
import type { WorkerClient } from './client.ts';

/** GETs `path` once, without its body; undefined when the answer is 2xx within `timeoutMs`, else what was wrong in a few words. */
export function probe(
  client: WorkerClient,
  path: string,
  headers: Readonly<Record<string, string>>,
  timeoutMs: number,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    let controller: Dispatcher.DispatchController | undefined;
    let status = 0;
    let over = false;
    const finish = (problem: string | undefined) => {
      over = true;
      clearTimeout(timer);
      resolve(problem);
    };
    const timer = setTimeout(() => {
      finish(`${path} gave no answer within ${timeoutMs} ms`);
      controller?.abort(new Error('too late'));
    }, timeoutMs);
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart(started) {
        controller = started;
        if (over) started.abort(new Error('too late'));
      },
      onResponseStart(_, code) {
        status = code;
      },
      onResponseData() {},
      onResponseEnd() {
        finish(status >= 200 && status < 300 ? undefined : `${path} answered ${status}`);
      },
      onResponseError(_, error) {
        finish(error.message);
      },
    };
    client.dispatch({ path, method: 'GET', headers }, handler);
  });
}
