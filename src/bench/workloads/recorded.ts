import type { TraceRow } from '../../observe/traffic/trace-row.ts';
import type { Answer } from '../client.ts';

const GOOD = 200;

/** The answers that were recorded, as if they had been measured here; none of a trace that does not tell of answers. */
export function recordedAnswers(rows: readonly TraceRow[]): readonly Answer[] {
  return rows.flatMap((row) => (row.duration === undefined ? [] : [answerOf(row, row.duration)]));
}

function answerOf(row: TraceRow, duration: number): Answer {
  const { timestamp: sentMs, output_length: outputTokens, ttft, worker, status = GOOD } = row;
  // When the tokens between the first and the last came is not recorded: evenly, on average.
  const gaps = ttft === undefined ? 0 : Math.max(0, outputTokens - 1);
  return {
    sentMs,
    firstMs: ttft === undefined ? undefined : sentMs + ttft,
    endMs: sentMs + duration,
    gapsMs: new Array(gaps).fill((duration - (ttft ?? 0)) / gaps),
    text: '',
    outputTokens,
    promptTokens: row.input_length,
    cachedTokens: row.cached_length,
    worker: worker === undefined ? undefined : String(worker),
    predictedShare: undefined,
    error: status === GOOD ? undefined : `HTTP ${status}`,
  };
}
