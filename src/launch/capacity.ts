/** What a server has said of its memory while it started. */
export interface Capacity {
  /** Tokens that its KV cache holds. */
  readonly kvTokens?: number;
  /** GPU memory that was free before it loaded its weights, and now; the same on each of its GPUs, as a rule. */
  readonly freeBeforeGb?: number;
  readonly freeGb?: number;
}

const KV_TOKENS = /\bmax_total_num_tokens=(\d+)|#tokens: (\d+)/;
const FREE_BEFORE = /Load weight begin\. avail mem=([\d.]+) GB/;
const FREE = /\b(?:avail mem|available_gpu_mem)=([\d.]+) GB/;

/** What is known after a line of its output; the same object where the line says nothing of it. */
export function nextCapacity(capacity: Capacity, line: string): Capacity {
  const tokens = KV_TOKENS.exec(line);
  const before = numberIn(FREE_BEFORE.exec(line));
  const free = numberIn(FREE.exec(line));
  if (!tokens && free === undefined) return capacity;
  return {
    ...capacity,
    ...(tokens && { kvTokens: Number(tokens[1] ?? tokens[2]) }),
    ...(before !== undefined && { freeBeforeGb: before }),
    ...(free !== undefined && { freeGb: free }),
  };
}

/** GPU memory that it took, in GB; undefined where its output does not tell, as that of a server without a GPU. */
export function usedGb({ freeBeforeGb, freeGb }: Capacity): number | undefined {
  if (freeBeforeGb === undefined || freeGb === undefined) return undefined;
  const used = freeBeforeGb - freeGb;
  return used >= 0.1 ? used : undefined;
}

function numberIn(match: RegExpExecArray | null): number | undefined {
  return match?.[1] === undefined ? undefined : Number(match[1]);
}
