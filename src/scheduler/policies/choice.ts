import type { Candidate, Choice } from './policy.ts';

type Scores = NonNullable<Choice['scores']>;

/** The choice of a policy that predicts nothing about caches. */
export function chosen<C extends Candidate>(candidate: C, reason: string, scores?: Scores): Choice<C> {
  return scores ? { candidate, matchedBytes: 0, reason, scores } : { candidate, matchedBytes: 0, reason };
}

/** One row a worker: its name, its load, and what `more` says of it. */
export function scoresOf<C extends Candidate>(
  candidates: readonly C[],
  more?: (candidate: C) => Readonly<Record<string, string | number>>,
): Scores {
  return candidates.map((candidate) => ({ worker: candidate.url, load: candidate.load, ...more?.(candidate) }));
}
