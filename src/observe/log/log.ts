import { formatText } from './format.ts';

/** Levels of `--log-level`, quietest last; 0.3.2's `warn` is read as `warning` by the option table. */
export const LEVELS = ['debug', 'info', 'warning', 'error', 'critical'] as const;
export type Level = (typeof LEVELS)[number];

/** Values of `--log-format`: `auto` is text on a terminal, JSON elsewhere. */
export const LOG_FORMATS = ['auto', 'text', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** Values that may stand beside a message; never a prompt, never a key. */
export type Fields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Log {
  /** True where `debug` would write: lets the data path skip building a line nobody reads. */
  readonly debugEnabled: boolean;
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warning(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  critical(message: string, fields?: Fields): void;
}

/** Takes a finished line, newline included. */
export type WriteLine = (line: string) => void;

/** Makes a line, newline included. */
export type FormatLine = (time: Date, level: Level, message: string, fields: Fields | undefined) => string;

/** A log whose lines go to `write`; what is below `level` costs one comparison. */
export function createLog(
  level: Level,
  write: WriteLine = (line) => process.stderr.write(line),
  format: FormatLine = formatText,
): Log {
  return createLogOf(level, (name, message, fields) => write(format(new Date(), name, message, fields)));
}

/** A log that hands on what is at least `level`. */
export function createLogOf(
  level: Level,
  emit: (level: Level, message: string, fields: Fields | undefined) => void,
): Log {
  const threshold = LEVELS.indexOf(level);
  const at = (name: Level) =>
    LEVELS.indexOf(name) < threshold ? () => {} : (message: string, fields?: Fields) => emit(name, message, fields);
  return {
    debugEnabled: threshold === 0,
    debug: at('debug'),
    info: at('info'),
    warning: at('warning'),
    error: at('error'),
    critical: at('critical'),
  };
}
