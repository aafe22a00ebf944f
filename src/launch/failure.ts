import { ExitError } from '../errors/errors.ts';
import { cutToColumns } from '../terminal/columns.ts';
import { type Cause, causeOfExit, findCause, type Stage } from './causes.ts';
import { describeExit, type Exit } from './child.ts';
import { describePhase, type Phase } from './phases.ts';

/** Log lines shown with a failure: all that is in them, or what leaves room for the cause on a small terminal. */
const SHOWN_LINES = 15;
const SHOWN_CHARACTERS = 400;
const SHOWN_LINES_ON_TERMINAL = 10;

/** Why a server is not there (any more), ready to be shown. */
export interface Failure {
  readonly code: 'server_start_failed' | 'server_start_timeout';
  /** `w0`. */
  readonly name: string;
  /** One line: which server, the cause, how it ended. */
  readonly text: string;
  readonly hint: string | undefined;
  /** The last lines of its output. */
  readonly lines: readonly string[];
  readonly logPath: string;
  readonly portTaken: boolean;
}

/** What is known of a server when it fails. */
export interface Failing {
  /** `w0`. */
  readonly name: string;
  readonly address: string;
  readonly stage: Stage;
  readonly phase: Phase;
  /** Since it was started. */
  readonly elapsedMs: number;
  readonly lines: readonly string[];
  readonly logPath: string;
}

/** A server that ended by itself. */
export function endedFailure(server: Failing, exit: Exit): Failure {
  const cause = findCause(server.lines, server.stage) ?? unknownCause(server, exit);
  const what = server.stage === 'starting' ? 'did not start' : 'died';
  return {
    ...failureOf(server, cause),
    code: 'server_start_failed',
    text: `${server.name} (${server.address}) ${what}: ${cause.text} (${describeExit(exit)}, after ${seconds(server.elapsedMs)})`,
  };
}

/** A server that is still starting after `timeoutMs`. */
export function timeoutFailure(server: Failing, timeoutMs: number): Failure {
  const cause: Cause = {
    text: `not ready within ${seconds(timeoutMs)}, last seen at: ${describePhase(server.phase)}`,
    hint: 'allow more time with --router-worker-startup-timeout-secs, or look at its log for what it waits for',
  };
  return {
    ...failureOf(server, cause),
    code: 'server_start_timeout',
    text: `${server.name} (${server.address}) did not start: ${cause.text}`,
  };
}

/** As the end of the command: the last log lines, the failure, the hint. On a terminal of so many columns each log line takes one row. */
export function toExitError(failure: Failure, columns?: number): ExitError {
  return new ExitError(failure.code, failure.text, { hint: failure.hint, context: lastLines(failure, columns) });
}

/** As lines of the router's log: the failure, the last log lines, the hint. */
export function explain(failure: Failure): string {
  const hint = failure.hint === undefined ? '' : `\n  hint: ${failure.hint}`;
  return `${failure.text}\n${lastLines(failure)}${hint}`;
}

function lastLines({ name, lines, logPath }: Failure, columns?: number): string {
  const most = columns === undefined ? SHOWN_CHARACTERS : Math.max(20, columns - 6);
  const shown = lines.slice(columns === undefined ? -SHOWN_LINES : -SHOWN_LINES_ON_TERMINAL).map((line) => {
    const cut = cutToColumns(line, most);
    return `  | ${cut.length < line.length ? `${cut}…` : cut}`;
  });
  return [
    ...(shown.length > 0 ? [`  last lines of the log of ${name}:`, ...shown] : []),
    `  whole log: ${logPath}`,
  ].join('\n');
}

function failureOf({ name, lines, logPath }: Failing, cause: Cause) {
  return { name, hint: cause.hint, lines, logPath, portTaken: cause.portTaken ?? false };
}

function unknownCause({ lines, phase, stage }: Failing, exit: Exit): Cause {
  const cause = causeOfExit(exit);
  const text = cause?.text ?? 'no known cause';
  if (exit.kind === 'not started' || stage === 'running') return { ...cause, text };
  const seen = lines.length === 0 ? 'it said nothing' : `last seen at: ${describePhase(phase)}`;
  return { ...cause, text: `${text}, ${seen}` };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 100_000 ? 1 : 0)} s`;
}
