/**
 * The known name that a mistyped one most likely means; undefined where none is close. Case, `_` in place of `-`, and how many
 * dashes of which kind come first do not count. `most` letters may differ, a quarter of them unless given.
 */
export function nearest(
  name: string,
  known: Iterable<string>,
  most = Math.max(1, Math.floor(name.length / 4)),
): string | undefined {
  let best: string | undefined;
  const typed = plain(name);
  let least = most + 0.5;
  for (const candidate of known) {
    const wanted = plain(candidate);
    // The beginning of a longer name counts too: --max-concurrency means --max-concurrent-requests.
    const distance = Math.min(edits(typed, wanted), edits(typed, wanted.slice(0, typed.length)) + 1);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

/** `; did you mean X?`, or nothing where no known name is close. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const meant = nearest(name, known);
  return meant === undefined ? '' : `; did you mean ${meant}?`;
}

function plain(name: string): string {
  return name
    .toLowerCase()
    .replaceAll('_', '-')
    .replace(/^\p{Dash}+/u, '--');
}

/** Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b` (Damerau-Levenshtein). */
function edits(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, beforeLast[j - 2]! + 1);
      row.push(cost);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length]!;
}
