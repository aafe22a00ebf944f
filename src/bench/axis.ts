/** One axis of a plot: which values have a mark, and where a value lies. */
export interface Axis {
  readonly ticks: readonly number[];
  /** From 0, where the axis begins, to 1. */
  at(value: number): number;
}

const LEAST_STEPS = 4;
const MOST_STEPS = 7;
const STEPS = [1, 2, 2.5, 5];
/** Beyond this, what is small could not be told apart on an even axis. */
const WIDE = 50;

/** From 0 to just above the greatest value, in round steps. */
export function evenAxis(values: Iterable<number>): Axis {
  let most = 0;
  for (const value of values) most = Math.max(most, value);
  if (!(most > 0)) most = 1;
  const power = 10 ** Math.floor(Math.log10(most));
  const found = [power / 10, power]
    .flatMap((unit) => STEPS.map((factor) => factor * unit))
    .map((step) => ({ step, count: Math.ceil(most / step - 1e-9) }))
    .filter(({ count }) => count >= LEAST_STEPS && count <= MOST_STEPS)
    .sort((a, b) => a.step * a.count - b.step * b.count || a.count - b.count);
  const { step, count } = found[0] ?? { step: most / MOST_STEPS, count: MOST_STEPS };
  const end = count * step;
  return { ticks: Array.from({ length: count + 1 }, (_, i) => i * step), at: (value) => value / end };
}

/** For times that lie far apart: each power of ten is as long as the next. An even axis where they do not. */
export function timeAxis(values: readonly number[]): Axis {
  let [least, most] = [Number.POSITIVE_INFINITY, 0];
  for (const value of values) {
    if (value > 0) least = Math.min(least, value);
    most = Math.max(most, value);
  }
  if (!(most / least >= WIDE)) return evenAxis(values);
  const first = 10 ** Math.floor(Math.log10(least));
  const powers = Array.from({ length: Math.ceil(Math.log10(most / first)) + 1 }, (_, i) => first * 10 ** i);
  const marks = powers.length > 4 ? powers : powers.flatMap((power) => [power, 2 * power, 5 * power]);
  // From the last mark below the least value on.
  const ticks = marks.filter((mark, i) => mark <= most && (marks[i + 1] ?? most) > least);
  const start = Math.log10(ticks[0] ?? first);
  const length = Math.log10(most) - start;
  return { ticks, at: (value) => Math.max(0, (Math.log10(value) - start) / length) };
}
