import type { Crowd } from './crowd.ts';
import type { Router, Stage } from './stage.ts';

export interface ScenarioOptions {
  readonly minutes: number;
  readonly clients: number;
  readonly seed: number;
  /** The beginning of the name of another router to try in place of ours. */
  readonly router?: string | undefined;
  /** Shows a line that replaces the one before. */
  readonly say: (line: string) => void;
}

/** What a scenario found: figures to print, and what was not as it must be. */
export interface Findings {
  readonly figures: Readonly<Record<string, string | number>>;
  readonly problems: readonly string[];
}

export interface Scenario {
  readonly about: string;
  /** How long it takes unless told otherwise; 5 where it does not say. */
  readonly minutes?: number;
  readonly run: (stage: Stage, options: ScenarioOptions) => Promise<Findings>;
}

export const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

export const delay = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** What a crowd met with, as figures. */
export function figuresOf({ counts, replies, sentAgain }: Crowd): Record<string, number> {
  return { requests: replies, ...counts, 'sent again (idle connection closed)': sentAgain };
}

/** Every reply but the right ones is a problem, unless `allowed` says why it may be. */
export function problemsOf(
  { odd }: Crowd,
  router: Router,
  allowed: (reply: Crowd['odd'][number]) => boolean = () => false,
): string[] {
  const failed = odd.filter((reply) => !allowed(reply));
  const shown = failed.slice(0, 5).map(({ outcome, stream, worker, detail }) => {
    return `${outcome} (${stream ? 'streamed' : 'whole'}, ${worker ?? 'no worker'}): ${detail}`;
  });
  if (failed.length > shown.length) shown.push(`… and ${failed.length - shown.length} more`);
  return router.over === undefined ? shown : [router.over, ...shown];
}
