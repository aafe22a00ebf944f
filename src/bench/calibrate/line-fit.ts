/** A straight line: y = base + slope × x. */
export interface Line {
  readonly base: number;
  readonly slope: number;
}

/** The line with the least squares of relative errors, so that short times count as much as long ones; neither below 0. */
export function fitLine(points: readonly (readonly [x: number, y: number])[]): Line {
  let [n, sumX, sumY, sumXX, sumXY] = [0, 0, 0, 0, 0];
  for (const [x, y] of points) {
    const weight = 1 / (y * y);
    n += weight;
    sumX += weight * x;
    sumY += weight * y;
    sumXX += weight * x * x;
    sumXY += weight * x * y;
  }
  const spread = n * sumXX - sumX * sumX;
  const slope = spread > 0 ? (n * sumXY - sumX * sumY) / spread : 0;
  if (slope <= 0) return { base: sumY / n, slope: 0 };
  const base = (sumY - slope * sumX) / n;
  return base >= 0 ? { base, slope } : { base: 0, slope: sumXY / sumXX };
}
