/** What a worker says of one of its ranks, in the words of SGLang's `/v1/loads`. */
type RankLoad = Readonly<Record<string, unknown>>;

/** The load of a worker as it tells it. */
export interface WorkerLoad {
  readonly worker: string;
  /** regular, prefill or decode. */
  readonly role: string;
  readonly runningRequests: number;
  readonly waitingRequests: number;
  /** Tokens in its KV cache that running requests hold. */
  readonly usedTokens: number | undefined;
  /** Tokens that its KV cache can hold. */
  readonly kvCapacityTokens: number | undefined;
  readonly ranks: readonly RankLoad[];
}

/** What came of asking a worker for its load: what it tells, or why that is nothing. */
export type LoadAnswer = WorkerLoad | { readonly worker: string; readonly problem: string };

/** 0.3.2's number for a load that is not known. */
const UNKNOWN = -1;

/**
 * The answer to `/get_loads`: `workers` as 0.3.2 has them, with `load` in tokens, and what that leaves out; `loads` and `aggregate` as
 * smg has them, by rank. What an engine does not tell is absent.
 */
export function loadsReport(answers: readonly LoadAnswer[], timestamp: string) {
  const known = answers.filter((answer) => 'ranks' in answer);
  const loads = known.flatMap(({ worker, role, ranks }) =>
    ranks.map((rank) => ({ ...rank, worker, worker_type: role, num_total_reqs: requestsIn(rank) })),
  );
  return {
    timestamp,
    workers: answers.map(entryOf),
    dp_rank_count: loads.length,
    loads,
    aggregate: aggregateOf(known),
  };
}

/** The load of one worker in its entry of `/workers`, as smg has it. */
export function engineLoad({ ranks }: WorkerLoad) {
  const loads = ranks.map((rank) => ({ ...rank, num_total_reqs: requestsIn(rank) }));
  return { dp_rank_count: loads.length, loads };
}

function entryOf(answer: LoadAnswer) {
  if ('problem' in answer) return { worker: answer.worker, load: UNKNOWN, error: answer.problem };
  const { worker, runningRequests, waitingRequests, usedTokens, kvCapacityTokens, ranks } = answer;
  return {
    worker,
    load: usedTokens ?? UNKNOWN,
    running_requests: runningRequests,
    waiting_requests: waitingRequests,
    used_tokens: usedTokens,
    max_total_tokens: kvCapacityTokens,
    token_usage: usageOf(answer),
    cache_hit_rate: mean(ranks.map(({ cache_hit_rate: rate }) => rate)),
    gen_throughput: sum(ranks.map(({ gen_throughput: perSec }) => perSec)),
  };
}

function aggregateOf(loads: readonly WorkerLoad[]) {
  const running = loads.reduce((all, { runningRequests }) => all + runningRequests, 0);
  const waiting = loads.reduce((all, { waitingRequests }) => all + waitingRequests, 0);
  const ranks = loads.flatMap((load) => load.ranks);
  return {
    total_running_reqs: running,
    total_waiting_reqs: waiting,
    total_reqs: running + waiting,
    avg_token_usage: mean(loads.map(usageOf)),
    avg_throughput: mean(ranks.map(({ gen_throughput: perSec }) => perSec)),
    avg_utilization: mean(ranks.map(({ utilization }) => utilization)),
  };
}

/** The share of the KV cache that running requests hold. */
function usageOf({ usedTokens, kvCapacityTokens, ranks }: WorkerLoad): number | undefined {
  const told = mean(ranks.map(({ token_usage: usage }) => usage));
  return told ?? (usedTokens !== undefined && kvCapacityTokens ? usedTokens / kvCapacityTokens : undefined);
}

function requestsIn({ num_running_reqs: running, num_waiting_reqs: waiting }: RankLoad): number | undefined {
  return sum([running, waiting]);
}

/** Of those that are numbers; undefined where none is. */
function sum(values: readonly unknown[]): number | undefined {
  const numbers = values.filter((value) => typeof value === 'number');
  return numbers.length === 0 ? undefined : numbers.reduce((all, number) => all + number, 0);
}

function mean(values: readonly unknown[]): number | undefined {
  const numbers = values.filter((value) => typeof value === 'number');
  return numbers.length === 0 ? undefined : (sum(numbers) as number) / numbers.length;
}

/** What a worker answered to `/v1/loads`. */
interface RankLoads {
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
