import type { Candidate, Random } from './policy.ts';

/** Picks any candidate at random. */
export function anyOf<C extends Candidate>(candidates: readonly C[], random: Random): C {
  return candidates[Math.floor(random() * candidates.length)] as C;
}

/** Picks the candidate with the least `loadOf`, at random among equals. */
export function leastOf<C extends Candidate>(
  candidates: readonly C[],
  random: Random,
  loadOf: (candidate: C) => number = (candidate) => candidate.load,
): C {
  let best = candidates[0] as C;
  let lowest = Number.POSITIVE_INFINITY;
  let equals = 0;
  for (const candidate of candidates) {
    const load = loadOf(candidate);
    if (load > lowest) continue;
    equals = load < lowest ? 1 : equals + 1;
    lowest = load;
    // The n-th equal candidate wins with chance 1/n, so that no list is needed.
    if (equals === 1 || random() * equals < 1) best = candidate;
  }
  return best;
}
