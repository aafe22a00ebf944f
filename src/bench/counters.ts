/** What an engine has counted since it started. */
export interface Counters {
  readonly requests: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly generatedTokens: number;
  /** Seconds that a simulated engine fell behind for want of CPU. */
  readonly lostSecs: number;
}

const NAMES: Readonly<Record<string, keyof Counters>> = {
  num_requests_total: 'requests',
  prompt_tokens_total: 'promptTokens',
  cached_tokens_total: 'cachedTokens',
  generation_tokens_total: 'generatedTokens',
  sim_lost_seconds_total: 'lostSecs',
};

/** Reads Prometheus text with SGLang's names, which begin with `sglang:` or, in newer versions, `sglang_`. */
export function parseCounters(text: string): Counters {
  const counters = { requests: 0, promptTokens: 0, cachedTokens: 0, generatedTokens: 0, lostSecs: 0 };
  for (const [, name = '', value] of text.matchAll(/^(?:sglang[:_])?(\w+)(?:\{[^}]*\})? (\S+)/gm)) {
    const key = NAMES[name];
    if (key) counters[key] += Number(value);
  }
  return counters;
}

/** What was counted between two readings. */
export function difference(after: Counters, before: Counters): Counters {
  const counted = { ...after };
  for (const key of Object.keys(counted) as (keyof Counters)[]) counted[key] = after[key] - before[key];
  return counted as Counters;
}

/** An engine's counters; undefined where it serves none (`--enable-metrics` is missing). */
export async function readCounters(url: string): Promise<Counters | undefined> {
  try {
    const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(5000) });
    const text = await response.text();
    return response.ok ? parseCounters(text) : undefined;
  } catch {
    return undefined;
  }
}
