import type { LaunchConfig } from '../config/launch.ts';
import type { Config } from '../config/options.ts';
import type { Machine } from './machine.ts';

/** What a start would make of it: nothing to do, surely not meant, or it fails. */
export type Verdict = 'ok' | 'warning' | 'problem';

/** One thing that was looked at. */
export interface Finding {
  readonly verdict: Verdict;
  readonly text: string;
  /** What to do about it. */
  readonly hint?: string | undefined;
  /** The same for programs: versions, numbers, pids. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** The launch that is asked about, and the machine it would run on. */
export interface Subject {
  readonly config: Config;
  readonly launch: LaunchConfig;
  readonly env: NodeJS.ProcessEnv;
  readonly machine: Machine;
}

/** One row of what is looked at. */
export interface Check {
  /** Stable, for programs. */
  readonly name: string;
  readonly title: string;
  look(subject: Subject): Promise<readonly Finding[]>;
}

export const ok = (text: string, facts?: Finding['facts']): Finding => ({
  verdict: 'ok',
  text,
  ...(facts && { facts }),
});
export const warning = (text: string, hint?: string, facts?: Finding['facts']): Finding => ({
  ...{ verdict: 'warning', text, hint },
  ...(facts && { facts }),
});
export const problem = (text: string, hint?: string, facts?: Finding['facts']): Finding => ({
  ...{ verdict: 'problem', text, hint },
  ...(facts && { facts }),
});

/** Whether its servers run on GPUs, as SGLang's do unless they are told otherwise. */
export function usesGpus(launch: LaunchConfig): boolean {
  return !launch.sim && launch.device.startsWith('cuda');
}
