/** Tokens that one id of a trace stands for. */
export const BLOCK_TOKENS = 512;

/**
 * A request of a trace in Mooncake's format, a line of JSON each. The same id means the same text after the same beginning. What is
 * optional is not of that format: a router that records adds it, and other readers pass it over. Never a text.
 */
export interface TraceRow {
  /** Milliseconds from the start. */
  readonly timestamp: number;
  readonly input_length: number;
  readonly output_length: number;
  readonly hash_ids: readonly number[];

  /** Counts the requests of a recording in the order in which they came. */
  readonly id?: number | undefined;
  /** The latest earlier request whose prompt begins with as much of the same, and how many tokens that is. */
  readonly parent?: number | undefined;
  readonly shared_length?: number | undefined;
  /** It begins with the whole prompt of its parent, as the next turn of a conversation does. */
  readonly continues?: boolean | undefined;
  /** HTTP status of the answer, that of an error event where its stream ended with one; 499 where the client left first. */
  readonly status?: number | undefined;
  /** Counts the workers in the order in which they answered first. */
  readonly worker?: number | undefined;
  /** Tokens of the prompt that were cached, where the answer told. */
  readonly cached_length?: number | undefined;
  /** Milliseconds to the first byte of a streamed answer. */
  readonly ttft?: number | undefined;
  /** Milliseconds to the end of the answer. */
  readonly duration?: number | undefined;
}

/** No prompt or answer has more. */
export const MOST_TOKENS = 16_777_216;
const NUMBERS = ['id', 'parent', 'shared_length', 'status', 'worker', 'cached_length', 'ttft', 'duration'] as const;

/** Reads a line; undefined where it is none of a trace. */
export function parseTraceRow(line: string): TraceRow | undefined {
  const row = parsed(line);
  const { timestamp, input_length: input, output_length: output, hash_ids: ids } = row;
  if (!isNumber(timestamp) || !isLength(input) || !isLength(output)) return undefined;
  if (!Array.isArray(ids) || !ids.every(isNumber)) return undefined;
  const isWhole = NUMBERS.every((name) => row[name] === undefined || isNumber(row[name]));
  return isWhole ? (row as TraceRow) : undefined;
}

function parsed(line: string): Partial<TraceRow> {
  try {
    return JSON.parse(line) ?? {};
  } catch {
    return {};
  }
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isLength(value: unknown): value is number {
  return isNumber(value) && Number.isSafeInteger(value) && value <= MOST_TOKENS;
}
