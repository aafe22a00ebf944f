/** What came of asking a worker for its load: its own counts, or why there are none. */
export type LoadAnswer =
  | {
      readonly worker: string;
      readonly runningRequests: number;
      readonly waitingRequests: number;
      /** Tokens in its KV cache that running requests hold. */
      readonly usedTokens?: number;
    }
  | { readonly worker: string; readonly problem: string };

/** 0.3.2's number for a load that is not known. */
const UNKNOWN = -1;

/** The answer to `/get_loads`: `load` in tokens as with 0.3.2, and beside it what that leaves out. */
export function loadsReport(answers: readonly LoadAnswer[]) {
  return {
    workers: answers.map((answer) =>
      'problem' in answer
        ? { worker: answer.worker, load: UNKNOWN, error: answer.problem }
        : {
            worker: answer.worker,
            load: answer.usedTokens ?? UNKNOWN,
            running_requests: answer.runningRequests,
            waiting_requests: answer.waitingRequests,
          },
    ),
  };
}

/** What a worker answered to `/v1/loads`. */
export interface RankLoads {
  readonly worker: string;
  readonly report: unknown;
}

/** The answer to `/v1/loads`: every rank of every worker, and whose it is; the time is that of the first. */
export function mergeLoads(answers: readonly RankLoads[]) {
  const reports = answers.map(({ worker, report }) => ({ worker, report: objectOf(report) }));
  const [first] = reports;
  return {
    timestamp: first?.report.timestamp,
    version: first?.report.version,
    loads: reports.flatMap(({ worker, report: { loads } }) =>
      Array.isArray(loads) ? loads.map((rank) => Object.assign({ worker }, rank, { worker })) : [],
    ),
  };
}

/** Whether an answer to `/v1/loads` is one. */
export function isLoads(report: unknown): boolean {
  return Array.isArray(objectOf(report).loads);
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
