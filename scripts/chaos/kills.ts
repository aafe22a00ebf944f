import type { Reply } from './ask.ts';

/** An engine that a scenario has killed. */
export interface Kill {
  readonly url: string;
  readonly atMs: number;
}

/** A request that is sent to a server so soon after its end finds a kept connection closed, and breaks off as if it had ended it. */
const UNNOTICED_MS = 2_000;

/** Whether what became of a request is what kills excuse. */
export function isExcused(reply: Reply, kills: readonly Kill[]): boolean {
  return wasCut(reply, kills) || lostTwo(reply, kills);
}

/** Part of an answer from a server that was killed meanwhile. What waits for its first byte must be answered by another. */
function wasCut({ outcome, stream, worker, sentMs, endMs }: Reply, kills: readonly Kill[]): boolean {
  if (outcome !== 'terminated' && (outcome !== 'cut' || stream)) return false;
  return kills.some(({ url, atMs }) => url === worker && sentMs <= atMs && atMs <= endMs);
}

/** Two of its servers were killed over it or just before, so it was given to no other: for all that the router knows, it is what ends them. */
function lostTwo({ outcome, detail, sentMs, endMs }: Reply, kills: readonly Kill[]): boolean {
  if (outcome !== 'refused' || !detail.includes('worker_died')) return false;
  const over = kills.filter(({ url, atMs }) => detail.includes(url) && sentMs - UNNOTICED_MS <= atMs && atMs <= endMs);
  return over.length >= 2;
}
