/** What a worker says of its load, all its data-parallel ranks together. */
export interface LoadReport {
  readonly runningRequests: number;
  readonly waitingRequests: number;
  /** Tokens in the KV cache that running requests hold; what is merely cached does not count. */
  readonly usedTokens?: number;
  /** Tokens that the KV cache can hold. */
  readonly kvCapacityTokens?: number;
}

/** Where engines report their load, the newer first → how to read the answer; undefined where it is not what was expected. */
export const LOAD_SOURCES: readonly (readonly [path: string, read: (answer: unknown) => LoadReport | undefined])[] = [
  ['/v1/loads', (answer) => total((answer as { loads?: unknown } | null)?.loads, readRank)],
  ['/get_load', (answer) => total(answer, readOldRank)],
];

type Fields = Readonly<Record<string, unknown>>;

/** SGLang 0.5 and later. */
function readRank(rank: Fields): LoadReport | undefined {
  const [running, waiting] = [countOf(rank.num_running_reqs), countOf(rank.num_waiting_reqs)];
  if (running === undefined || waiting === undefined) return undefined;
  return reportOf(running, waiting, countOf(rank.num_used_tokens), countOf(rank.max_total_num_tokens));
}

/** Before: requests in all, and nothing of what the cache can hold. */
function readOldRank(rank: Fields): LoadReport | undefined {
  const [all, waiting] = [countOf(rank.num_reqs), countOf(rank.num_waiting_reqs)];
  if (all === undefined || waiting === undefined) return undefined;
  return reportOf(Math.max(0, all - waiting), waiting, countOf(rank.num_tokens), undefined);
}

/** The sum of all ranks. One that cannot be read makes the whole worth nothing: half of the load would look like a light one. */
function total(ranks: unknown, read: (rank: Fields) => LoadReport | undefined): LoadReport | undefined {
  if (!Array.isArray(ranks) || ranks.length === 0) return undefined;
  const reports = ranks.map((rank) => (typeof rank === 'object' && rank !== null ? read(rank as Fields) : undefined));
  if (!reports.every((report) => report !== undefined)) return undefined;
  return reports.reduce((sum, rank) =>
    reportOf(
      sum.runningRequests + rank.runningRequests,
      sum.waitingRequests + rank.waitingRequests,
      plus(sum.usedTokens, rank.usedTokens),
      plus(sum.kvCapacityTokens, rank.kvCapacityTokens),
    ),
  );
}

function reportOf(running: number, waiting: number, used: number | undefined, capacity: number | undefined) {
  return {
    runningRequests: running,
    waitingRequests: waiting,
    ...(used !== undefined && { usedTokens: used }),
    ...(capacity !== undefined && { kvCapacityTokens: capacity }),
  };
}

function plus(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a + b;
}

function countOf(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 && Number.isFinite(value) ? value : undefined;
}
