/** Levels of `--log-level`, quietest last; 0.3.2's `warn` is read as `warning` by the option table. */
export const LEVELS = ['debug', 'info', 'warning', 'error', 'critical'] as const;
export type Level = (typeof LEVELS)[number];

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

/** A log that writes `time level message key=value …` lines; what is below `level` costs one comparison. */
export function createLog(level: Level, write: WriteLine = (line) => process.stderr.write(line)): Log {
  const threshold = LEVELS.indexOf(level);
  const at = (name: Level) =>
    LEVELS.indexOf(name) < threshold
      ? () => {}
      : (message: string, fields?: Fields) => write(formatLine(name, message, fields));
  return {
    debugEnabled: threshold === 0,
    debug: at('debug'),
    info: at('info'),
    warning: at('warning'),
    error: at('error'),
    critical: at('critical'),
  };
}

function formatLine(level: Level, message: string, fields: Fields | undefined): string {
  let line = `${new Date().toISOString()} ${level.toUpperCase().padEnd(7)} ${message}`;
  for (const key in fields) {
    const value = fields[key];
    if (value !== undefined)
      line += ` ${key}=${typeof value === 'string' && /[\s"]/.test(value) ? JSON.stringify(value) : value}`;
  }
  return `${line}\n`;
}
