import type { Measured } from './measure.ts';

/** One contender's run of one workload. */
export interface Run extends Measured {
  readonly workload: string;
  readonly contender: string;
  /** True for this program's router, or a server that was named. */
  readonly own: boolean;
  /** It was not run here: it is what a trace says of the time when it was recorded. Nothing is judged by it. */
  readonly isRecorded?: boolean;
  /** The fleet that it was computed for, where it was not run. */
  readonly fleet?: { readonly workers: number; readonly policy: string } | undefined;
}

/** A workload that was run, and what could have been reached. */
export interface Ran {
  readonly name: string;
  readonly about: string;
  readonly requests: number;
  /** Share of the prompt tokens that one endless cache would have held. */
  readonly possibleHitShare: number;
}

/** Everything a session of the benchmark found. */
export interface Report {
  /** ISO 8601. */
  readonly startedAt: string;
  readonly commandLine: string;
  readonly machine: string;
  readonly workloads: readonly Ran[];
  readonly runs: readonly Run[];
}
