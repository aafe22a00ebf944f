import { ExitError, fileProblem } from '../../errors/errors.ts';
import type { Log } from '../log/log.ts';
import { TraceRecorder } from './recorder.ts';
import { holdsLines, putAside, RotatingFile } from './rotating-file.ts';

/** Where a trace is written, and how much of it. */
interface RecordingOptions {
  readonly path: string;
  readonly maxBytes: number;
  readonly files: number;
}

/** Counts requests that were recorded, and those that were left out. */
type CountRecorded = (result: 'written' | 'dropped', requests: number) => void;

export interface OpenRecording {
  readonly recorder: TraceRecorder;
  /** Writes what waits. */
  close(): Promise<void>;
}

const FLAG = '--record-trace';
const TRACE_LINE = /^\{\s*"timestamp":/;
/** Between two lines of the log that say that requests are left out. */
const QUIET_MS = 30_000;

/** Begins a new trace; one that is there is put aside. Throws a usage error where none can be written. */
export async function openRecording(options: RecordingOptions, count: CountRecorded, log: Log): Promise<OpenRecording> {
  const { path, files } = options;
  if (holdsLines(path, FLAG, TRACE_LINE)) {
    await putAside(path, files).catch((error) => {
      throw new ExitError('usage', `${FLAG} ${path}: the trace there cannot be put aside: ${fileProblem(error)}`);
    });
  }
  const totals = { written: 0, dropped: 0 };
  let saidMs = Number.NEGATIVE_INFINITY;
  const file = new RotatingFile(path, options, {
    written(lines) {
      totals.written += lines;
      count('written', lines);
    },
    dropped(lines, reason) {
      totals.dropped += lines;
      count('dropped', lines);
      if (performance.now() - saidMs < QUIET_MS) return;
      saidMs = performance.now();
      log.warning('requests are left out of the recorded trace', { path, reason, ...totals });
    },
  });
  return {
    recorder: new TraceRecorder((line) => file.write(line)),
    async close() {
      await file.close();
      log.info('trace recorded', { path, ...totals });
    },
  };
}
