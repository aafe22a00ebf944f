import { formatText } from './format.ts';
import { type Fields, type FormatLine, LEVELS, type Level, type WriteLine } from './line.ts';

export interface Log {
  /** True where `debug` would write: lets the data path skip building a line nobody reads. */
  readonly debugEnabled: boolean;
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warning(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  critical(message: string, fields?: Fields): void;
}

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
