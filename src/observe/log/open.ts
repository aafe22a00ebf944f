import { requireFolder } from '../../os/folder.ts';
import type { RequestRecord } from '../request-record.ts';
import { accessFields } from './access.ts';
import { DailyFile } from './daily-file.ts';
import { formatJson, formatPretty, formatText } from './format.ts';
import { LineBuffer } from './line-buffer.ts';
import { createLogOf, type Fields, type FormatLine, type Level, type Log, type LogFormat } from './log.ts';
import { redacting } from './redact.ts';

/** Where lines are shown: standard error, or what a board leaves of a terminal. */
export interface Console {
  readonly isTTY: boolean | undefined;
  /** Bytes that nobody has read yet. */
  readonly writableLength?: number;
  write(text: string): unknown;
}

/** Whoever has a pipe to the log and does not read it costs no more memory than this. */
const UNREAD_BYTES = 8 * 1024 * 1024;

export interface LogOptions {
  readonly level: Level;
  readonly format: LogFormat;
  /** Folder for log files, and the flag that named it; none are written without it. */
  readonly dir: { readonly path: string; readonly flag: string } | undefined;
  /** Keys that must not appear, whatever happens. */
  readonly secrets: readonly (string | undefined)[];
  readonly console: Console;
  /** Colours on a terminal. */
  readonly colours: boolean;
}

/** The log of a running command. */
export interface OpenLog {
  readonly log: Log;
  /** Writes the line of a request that has ended; absent where nobody reads it. */
  readonly access: ((record: RequestRecord) => void) | undefined;
  /** Writes what waits; call it before the process ends. */
  close(): Promise<void>;
}

/** A place that lines go to. */
interface Sink {
  readonly format: FormatLine;
  readonly lines: LineBuffer;
}

/** Opens the log. Throws a usage error where no files can be written to `dir`. */
export function openLog(options: LogOptions): OpenLog {
  if (options.dir) requireFolder(options.dir.path, options.dir.flag);
  const shown = consoleSink(options);
  const file = options.dir === undefined ? undefined : fileSink(options.dir.path, options, shown);
  const sinks = file ? [shown, file.sink] : [shown];
  const emit = (level: Level, message: string, fields: Fields | undefined, waits = false) => {
    const time = new Date();
    for (const { format, lines } of sinks) {
      const line = format(time, level, message, fields);
      if (waits) lines.later(line);
      else lines.now(line);
    }
  };
  const log = createLogOf(options.level, emit);
  const flush = () => {
    for (const { lines } of sinks) lines.flush();
  };
  process.on('exit', flush);
  return {
    log,
    access: accessOf(options.level, (level, record) => emit(level, 'request', accessFields(record), true)),
    close: async () => {
      process.off('exit', flush);
      flush();
      await file?.daily.close();
    },
  };
}

/** Probes and scrapes have their line at level `debug`, all other requests at `info`. */
function accessOf(level: Level, emit: (level: Level, record: RequestRecord) => void): OpenLog['access'] {
  if (level === 'debug') return (record) => emit(record.routine ? 'debug' : 'info', record);
  if (level === 'info') return (record) => record.routine || emit('info', record);
  return undefined;
}

function consoleSink({ format, colours, secrets, console }: LogOptions): Sink {
  const tty = console.isTTY ?? false;
  const asText = format === 'text' || (format === 'auto' && tty);
  const shown = asText ? (tty && colours ? formatPretty : formatText) : formatJson;
  let dropped = 0;
  const write = redacting(secrets, (text) => {
    if ((console.writableLength ?? 0) > UNREAD_BYTES) {
      dropped += text.length;
      return;
    }
    if (dropped > 0)
      console.write(shown(new Date(), 'warning', 'log lines left out: nobody read them', { characters: dropped }));
    dropped = 0;
    console.write(text);
  });
  return { format: shown, lines: new LineBuffer(write) };
}

function fileSink(dir: string, { format, secrets }: LogOptions, shown: Sink) {
  const say = (level: Level, message: string, fields?: Fields) =>
    shown.lines.now(shown.format(new Date(), level, message, fields));
  const daily = new DailyFile(dir, (problem) => {
    if (problem === undefined) say('info', 'log files are written again', { dir });
    else say('error', 'log files cannot be written, tried again every 30 s; the router serves on', { dir, problem });
  });
  const sink: Sink = {
    format: format === 'text' ? formatText : formatJson,
    lines: new LineBuffer(redacting(secrets, (line) => daily.write(line))),
  };
  return { daily, sink };
}
