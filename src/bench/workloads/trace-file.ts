import { readFileSync } from 'node:fs';
import { ExitError, fileProblem } from '../../errors/errors.ts';
import { parseTraceRow, type TraceRow } from '../../observe/traffic/trace-row.ts';

/** The rows of a trace by time. Throws a usage error where the file holds none, or not one trace. */
export function readTrace(path: string): readonly TraceRow[] {
  try {
    const rows = rowsIn(readFileSync(path, 'utf8').split('\n'));
    if (rows.length === 0) throw new Error('there is no request in it');
    return rows.toSorted((a, b) => a.timestamp - b.timestamp);
  } catch (error) {
    throw new ExitError('usage', `--trace-file ${path}: ${fileProblem(error)}`, { cause: error });
  }
}

function rowsIn(lines: readonly string[]): TraceRow[] {
  const rows: TraceRow[] = [];
  const known = new Set<number>();
  lines.forEach((line, i) => {
    if (line.trim() === '') return;
    const row = parseTraceRow(line);
    if (!row) {
      // A router that was killed leaves its last line unfinished.
      if (i === lines.length - 1) return;
      throw new Error(`expected timestamp, input_length, output_length and hash_ids in line ${i + 1}`);
    }
    if (row.id !== undefined && known.has(row.id)) {
      throw new Error(`line ${i + 1} has the request ${row.id} of an earlier one; expected one recording, not several`);
    }
    if (row.id !== undefined) known.add(row.id);
    rows.push(row);
  });
  return rows;
}
