import { requireFolder } from '../../os/folder.ts';
import type { Paint } from '../../terminal/kind.ts';
import type { RequestRecord } from '../request-record.ts';
import { accessFields } from './access.ts';
import { accessLine } from './access-line.ts';
import { DailyFile } from './daily-file.ts';
import { formatJson, formatText, prettyFormat } from './format.ts';
import type { Fields, FormatLine, Level, LogFormat } from './line.ts';
import { LineBuffer } from './line-buffer.ts';
import { createLogOf, type Log } from './log.ts';
import { redacting } from './redact.ts';

/** Where lines are shown: standard error, or what a board leaves of a terminal. */
export interface Console {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  /** Bytes that nobody has read yet. */
  readonly writableLength?: number | undefined;
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
  /** On a terminal. */
  readonly paint: Paint;
  /** What a worker is called on a terminal, where that is not its URL. */
  readonly nameOf?: (worker: string) => string | undefined;
}

/** The log of a running command. */
export interface OpenLog {
  readonly log: Log;
  /** Of what is shown; `pretty` is text for eyes. */
  readonly format: 'pretty' | 'text' | 'json';
  /** Writes the line of a request that has ended; absent where nobody reads it. */
  readonly access: ((record: RequestRecord) => void) | undefined;
  /** Writes what waits; call it before the process ends. */
  close(): Promise<void>;
}

/** A place that lines go to. */
interface LineOutput {
  readonly format: FormatLine;
  /** The line of a request where it has a form of its own. */
  readonly access?: (time: Date, record: RequestRecord) => string;
  readonly lines: LineBuffer;
}

/** Opens the log. Throws a usage error where no files can be written to `dir`. */
export function openLog(options: LogOptions): OpenLog {
  if (options.dir) requireFolder(options.dir.path, options.dir.flag);
  const shown = consoleOutput(options);
  const file = options.dir === undefined ? undefined : fileOutput(options.dir.path, options, shown);
  const outputs = file ? [shown, file.output] : [shown];
  const emit = (level: Level, message: string, fields: Fields | undefined) => {
    const time = new Date();
    for (const { format, lines } of outputs) lines.now(format(time, level, message, fields));
  };
  const tellOf = (level: Level, record: RequestRecord) => {
    const time = new Date();
    for (const { format, access, lines } of outputs) {
      lines.later(access ? access(time, record) : format(time, level, 'request', accessFields(record)));
    }
  };
  const log = createLogOf(options.level, emit);
  const flush = () => {
    for (const { lines } of outputs) lines.flush();
  };
  process.on('exit', flush);
  return {
    log,
    format: formatOf(options),
    access: accessOf(options.level, tellOf),
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

function formatOf({ format, console }: LogOptions): OpenLog['format'] {
  if (format === 'json' || (format === 'auto' && !console.isTTY)) return 'json';
  return console.isTTY ? 'pretty' : 'text';
}

function consoleOutput(options: LogOptions): LineOutput {
  const { secrets, console, paint, nameOf = () => undefined } = options;
  const format = formatOf(options);
  const look = { paint, columns: () => console.columns || 80, nameOf };
  const shown = format === 'json' ? formatJson : format === 'text' ? formatText : prettyFormat(look);
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
  const lines = new LineBuffer(write);
  if (format !== 'pretty') return { format: shown, lines };
  const access = (time: Date, record: RequestRecord) => accessLine(time, record, look);
  return { format: shown, access, lines };
}

function fileOutput(dir: string, { format, secrets }: LogOptions, shown: LineOutput) {
  const say = (level: Level, message: string, fields?: Fields) =>
    shown.lines.now(shown.format(new Date(), level, message, fields));
  const daily = new DailyFile(dir, (problem) => {
    if (problem === undefined) say('info', 'log files are written again', { dir });
    else say('error', 'log files cannot be written, tried again every 30 s; the router serves on', { dir, problem });
  });
  const output: LineOutput = {
    format: format === 'text' ? formatText : formatJson,
    lines: new LineBuffer(redacting(secrets, (line) => daily.write(line))),
  };
  return { daily, output };
}
