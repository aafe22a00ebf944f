/** The load of a worker or of one of its data-parallel ranks. */
export interface LoadReport {
  readonly runningRequests: number;
  readonly waitingRequests: number;
  /** Tokens in the KV cache that running requests hold; what is merely cached does not count. */
  readonly usedTokens?: number;
  /** Tokens that the KV cache can hold. */
  readonly kvCapacityTokens?: number;
}

/** What a worker says of its load. */
export interface ServerLoad {
  /** The load of all ranks together. */
  readonly total: LoadReport;
  readonly ranks: ReadonlyMap<number, LoadReport>;
  /** Everything reported of each rank, in the words of `/v1/loads`. */
  readonly said: readonly Fields[];
}

/** A path where engines report their load, and a reader of the answer, which returns undefined for an unexpected one. */
export type LoadSource = readonly [path: string, read: (answer: unknown) => ServerLoad | undefined];

/** The newer source comes first. */
export const LOAD_SOURCES: readonly LoadSource[] = [
  ['/v1/loads', (answer) => serverLoad((answer as { loads?: unknown } | null)?.loads, readRank, (rank) => rank)],
  ['/get_load', (answer) => serverLoad(answer, readOldRank, inNewWords)],
];

type Fields = Readonly<Record<string, unknown>>;

/** Reads a rank's load of SGLang 0.5 and later. */
function readRank(rank: Fields): LoadReport | undefined {
  const [running, waiting] = [countOf(rank.num_running_reqs), countOf(rank.num_waiting_reqs)];
  if (running === undefined || waiting === undefined) return undefined;
  return reportOf(running, waiting, countOf(rank.num_used_tokens), countOf(rank.max_total_num_tokens));
}

/** Reads a rank's load of older servers, which tell requests in all and no cache size. */
function readOldRank(rank: Fields): LoadReport | undefined {
  const [all, waiting] = [countOf(rank.num_reqs), countOf(rank.num_waiting_reqs)];
  if (all === undefined || waiting === undefined) return undefined;
  return reportOf(Math.max(0, all - waiting), waiting, countOf(rank.num_tokens), undefined);
}

function inNewWords(_: Fields, index: number, { runningRequests, waitingRequests, usedTokens }: LoadReport): Fields {
  return {
    dp_rank: index,
    num_running_reqs: runningRequests,
    num_waiting_reqs: waitingRequests,
    ...(usedTokens !== undefined && { num_used_tokens: usedTokens }),
  };
}

/** Returns undefined if one rank cannot be read, as half of the load would look light. */
function serverLoad(
  answer: unknown,
  read: (rank: Fields) => LoadReport | undefined,
  words: (rank: Fields, index: number, report: LoadReport) => Fields,
): ServerLoad | undefined {
  if (!Array.isArray(answer) || answer.length === 0) return undefined;
  const ranks = new Map<number, LoadReport>();
  const said: Fields[] = [];
  for (const [index, rank] of answer.entries()) {
    const report = typeof rank === 'object' && rank !== null ? read(rank as Fields) : undefined;
    if (!report) return undefined;
    const number = countOf((rank as Fields).dp_rank) ?? index;
    ranks.set(number, report);
    said.push(words(rank as Fields, number, report));
  }
  return { total: [...ranks.values()].reduce(sumOfLoads), ranks, said };
}

/** Adds two loads. */
export function sumOfLoads(a: LoadReport, b: LoadReport): LoadReport {
  return reportOf(
    a.runningRequests + b.runningRequests,
    a.waitingRequests + b.waitingRequests,
    plus(a.usedTokens, b.usedTokens),
    plus(a.kvCapacityTokens, b.kvCapacityTokens),
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
