import { inOneLine } from '../config/values.ts';
import { ExitError } from '../errors/errors.ts';
import { paintFor } from '../terminal/kind.ts';
import { wrapWords } from '../terminal/wrap.ts';

/** Where the reason for an end is told. */
export interface ErrorOutput {
  readonly env: NodeJS.ProcessEnv;
  readonly err: (text: string) => void;
  /** Of the terminal that `err` writes to; undefined where there is none. */
  readonly errorColumns?: number | undefined;
}

/** Prints why a command ended; what it returns is the exit code. */
export function report(error: unknown, output: ErrorOutput): number {
  if (!(error instanceof ExitError)) {
    output.err(`${error instanceof Error ? error.stack : String(error)}\n`);
    return 1;
  }
  if (error.context) output.err(`${error.context}\n`);
  // Whatever was given; other errors may quote a log.
  tell('error:', error.code === 'usage' ? inOneLine(error.message) : error.message, output);
  if (error.hint) tell('hint:', error.hint, output);
  return error.exitCode;
}

/** In one line, which a terminal gets broken between words. */
function tell(label: 'error:' | 'hint:', text: string, { env, err, errorColumns }: ErrorOutput): void {
  const paint = paintFor(errorColumns !== undefined, env);
  const painted = paint(label === 'error:' ? ['bold', 'red'] : ['bold', 'cyan'], label);
  const words = [{ text: label, painted }, ...text.split(' ').map((word) => ({ text: word, painted: word }))];
  err(`${wrapWords(words, errorColumns ?? Number.POSITIVE_INFINITY).join('\n')}\n`);
}
