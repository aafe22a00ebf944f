import type { DecisionView } from './snapshot.ts';

/** Texts of figures, alike on the page, in `top` and in `ps`. What is not known is a dash. */

export const UNKNOWN = '–';

const UNITS = [
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
] as const;

/** `7`, `1.2k`, `435k`, `12M`. */
export function count(value: number | null): string {
  if (value === null) return UNKNOWN;
  for (const [size, unit] of UNITS) {
    // What would be rounded to 1,000 of a unit is 1 of the next.
    if (value >= size * 0.9995) return `${digits(value / size)}${unit}`;
  }
  return digits(value);
}

/** `0.25`, `3.1`, `42`. */
function digits(value: number): string {
  const places = value >= 9.95 ? 0 : value >= 1 ? 1 : 2;
  return String(Number(value.toFixed(places)));
}

/** `8.3 ms`, `420 ms`, `1.35 s`, `2 m 5 s`. */
export function duration(ms: number | null): string {
  if (ms === null) return UNKNOWN;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(ms < 9_995 ? 2 : 1)} s`;
  return span(ms / 1000);
}

/** `41 s`, `5 m 12 s`, `3 h 4 m`, `2 d 7 h`. */
export function span(secs: number): string {
  const whole = Math.floor(secs);
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)} m ${whole % 60} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3_600)} h ${Math.floor((whole % 3_600) / 60)} m`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3_600)} h`;
}

/** `83%`. */
export function percent(share: number | null): string {
  return share === null ? UNKNOWN : `${Math.round(share * 100)}%`;
}

/** Half and 99 of 100: `41/230 ms`, `0.35/4.9 s`. */
export function percentiles({ p50, p99 }: { readonly p50: number | null; readonly p99: number | null }): string {
  if (p50 === null || p99 === null) return UNKNOWN;
  return p99 < 999.5 ? `${digits(p50)}/${digits(p99)} ms` : `${digits(p50 / 1000)}/${digits(p99 / 1000)} s`;
}

/** Predicted and actual: `80/76%`. */
export function hits(rate: { readonly predicted: number; readonly actual: number } | null): string {
  return rate === null ? UNKNOWN : hit(rate.predicted, rate.actual);
}

/** The same where either may not be known. */
export function hit(predicted: number | null, actual: number | null): string {
  if (predicted === null && actual === null) return UNKNOWN;
  const figure = (share: number | null) => (share === null ? UNKNOWN : Math.round(share * 100));
  return `${figure(predicted)}/${figure(actual)}%`;
}

/** What rates and counts are over: `last 60 s`, or `since start` where nobody has looked before. */
export function windowName(windowSecs: number, uptimeSecs: number): string {
  return windowSecs >= uptimeSecs - 1 ? 'since start' : `last ${Math.max(1, Math.round(windowSecs))} s`;
}

/** A sign for each state, which tells it without colour. */
const SIGNS: Readonly<Record<string, string>> = {
  ready: '●',
  serving: '●',
  starting: '◐',
  unhealthy: '▲',
  'no workers': '▲',
  failed: '✖',
  ended: '✖',
  draining: '◌',
};

export function sign(state: string): string {
  return SIGNS[state] ?? '?';
}

/** The state of a worker as people are told: one that is ready and gets no requests is not simply ready. */
export function standing({ state, available }: { readonly state: string; readonly available: boolean }): string {
  return state === 'ready' && !available ? 'unhealthy' : state;
}

/** What became of an attempt, in a word or two. */
export function outcome({ state, status, error }: Pick<DecisionView, 'state' | 'status' | 'error'>): string {
  if (state !== 'ended') return state === 'running' ? '…' : '↻ tried again';
  if (error !== null) return `✖ ${error}`;
  if (!status) return 'client left';
  return status < 400 ? `✔ ${status}` : `✖ ${status}`;
}

/** `127.0.0.1:31000` of `http://127.0.0.1:31000`. */
export function address(url: string): string {
  return url.replace(/^http:\/\//, '');
}
