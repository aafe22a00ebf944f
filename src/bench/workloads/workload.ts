import type { TraceRow } from '../../observe/traffic/trace-row.ts';
import type { Session } from '../prompt.ts';

/** How requests are written: SGLang's own API, or OpenAI's chat, which conversations need. */
export type Api = 'generate' | 'chat';

/** What the command line says of the workloads; undefined leaves it to the workload. */
export interface WorkloadOptions {
  readonly seed: number;
  readonly gspNumGroups: number | undefined;
  readonly gspPromptsPerGroup: number | undefined;
  readonly gspSystemPromptLen: number | undefined;
  readonly gspQuestionLen: number | undefined;
  readonly gspOutputLen: number | undefined;
  /** Sessions that start in a second on average; infinite: at once. */
  readonly requestRate: number | undefined;
  /** Sessions under way at once, at most. */
  readonly maxConcurrency: number | undefined;
  /** Scales the number of requests or conversations: 0.1 is a short try. */
  readonly scale: number;
  /** A Mooncake trace, one JSON object a line, instead of the generated one. */
  readonly traceFile: string | undefined;
}

/** What is sent, and to which engines. */
export interface Load {
  readonly api: Api;
  /** In the order of their start. */
  readonly sessions: readonly Session[];
  readonly maxConcurrency: number;
  /** Flags of simulated engine `index`, beside those of the command line. */
  readonly engineFlags?: (index: number) => readonly string[];
  /** What became of the requests when they were recorded. */
  readonly recorded?: readonly TraceRow[];
  /** Share of the requests after whose end engine 0 is killed. */
  readonly killAtShare?: number;
}

export interface Workload {
  readonly name: string;
  /** What it is and what it shows, in a line. */
  readonly about: string;
  build(options: WorkloadOptions): Load;
}
