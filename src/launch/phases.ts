/** What a starting server is at, in order. `ready` is only ever said by its health check. */
export const PHASES = ['starting', 'download', 'weights', 'KV cache', 'CUDA graphs', 'warm-up', 'ready'] as const;
export type PhaseName = (typeof PHASES)[number];

export interface Phase {
  readonly name: PhaseName;
  /** Share done, 0 to 1, where the server says it. */
  readonly progress?: number;
}

/** SGLang prints this when its own warm-up request was answered. */
const WARM = 'The server is fired up and ready to roll!';

/** Lines of SGLang 0.4 to 0.5.23 and the phase each tells of; the first that matches counts. */
const SIGNS: readonly (readonly [RegExp, PhaseName])[] = [
  [/Fetching \d+ files|Downloading (?:bytes|shards)/, 'download'],
  [/Load weight end|Load(?:ing)? weight begin|Loading .*checkpoint shards|loading .*shards/i, 'weights'],
  [/KV Cache is allocated|Memory pool (?:begin|end)/, 'KV cache'],
  [/Capture .*graphs? (?:begin|end)|Capturing (?:batches|num tokens|shapes)/i, 'CUDA graphs'],
  [/Started server process|Application startup complete|Uvicorn running on/, 'warm-up'],
];

/** Whether the line says that the server answers from now on, so that its health is worth a look at once. */
export function saysReady(line: string): boolean {
  return line.includes(WARM);
}

/**
 * The phase after a line of output; the same object when the line says nothing of it. Never goes back: of several ranks
 * printing side by side the furthest counts.
 */
export function nextPhase(phase: Phase, line: string): Phase {
  const name = SIGNS.find(([sign]) => sign.test(line))?.[1];
  if (name === undefined || PHASES.indexOf(name) < PHASES.indexOf(phase.name)) return phase;
  const progress = progressOf(line);
  if (name === phase.name && (progress === undefined || progress === phase.progress)) return phase;
  return progress === undefined ? { name } : { name, progress };
}

/** `weights 62%`, `warm-up`. */
export function describePhase({ name, progress }: Phase): string {
  return progress === undefined ? name : `${name} ${Math.floor(progress * 100)}%`;
}

/** How far a start is, 0 to 1: every phase weighs the same. */
export function shareOf({ name, progress }: Phase): number {
  return Math.min((PHASES.indexOf(name) + (progress ?? 0)) / (PHASES.length - 1), 1);
}

/** Of a progress bar: the count (`5/8`) says more than the rounded percentage. */
function progressOf(line: string): number | undefined {
  const count = /(?:\||Completed \|) ?(\d+)\/(\d+) \[/.exec(line);
  if (count && Number(count[2]) > 0) return Number(count[1]) / Number(count[2]);
  const percent = /(\d{1,3})%/.exec(line)?.[1];
  return percent === undefined ? undefined : Math.min(Number(percent), 100) / 100;
}

/** A redrawn progress bar: shown as the phase's progress, not as a line of its own. */
export function isProgressBar(line: string): boolean {
  return /\d{1,3}%(?:\||\s+Completed \|)/.test(line);
}
