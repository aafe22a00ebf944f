/** `12.3 s`, `2 min 5 s`. */
export function duration(ms: number): string {
  return ms < 100_000 ? `${(ms / 1000).toFixed(1)} s` : inMinutes(Math.round(ms / 1000));
}

/** For what is not known to the second: `4 s`, `40 s`, `3 min`. */
export function roughly(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 10) return `${seconds} s`;
  return seconds < 100 ? `${Math.round(seconds / 5) * 5} s` : `${Math.round(seconds / 60)} min`;
}

function inMinutes(seconds: number): string {
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
