/** Levels of `--log-level`, quietest last; 0.3.2's `warn` is read as `warning` by the option table. */
export const LEVELS = ['debug', 'info', 'warning', 'error', 'critical'] as const;
export type Level = (typeof LEVELS)[number];

/** Values of `--log-format`: `auto` is text on a terminal, JSON elsewhere. */
export const LOG_FORMATS = ['auto', 'text', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** Values that may stand beside a message; never a prompt, never a key. */
export type Fields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Takes a finished line, newline included. */
export type WriteLine = (line: string) => void;

/** Makes a line, newline included. */
export type FormatLine = (time: Date, level: Level, message: string, fields: Fields | undefined) => string;
