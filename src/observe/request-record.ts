/** What a recorded trace tells of a prompt, of which it keeps nothing else. */
export interface PromptMarks {
  /** Counts the prompts in the order in which they came. */
  readonly id: number;
  readonly bytes: number;
  /** For each block of it a number that stands for it and all before it. */
  readonly blockIds: readonly number[];
  /** The latest earlier prompt that begins with as many of the same bytes; undefined where none does. */
  readonly parent: number | undefined;
  readonly sharedBytes: number;
  /** It begins with the whole prompt of the parent. */
  readonly continues: boolean;
}

/**
 * What became of one request: filled in by the data path on the way, read once at its end by the access log, the
 * metrics and the trace. Never a prompt, a key or a query string.
 */
export class RequestRecord {
  /** Sent to the worker and back to the client as `x-request-id`. */
  readonly id: string;
  readonly method: string;
  /** Without the query string. */
  readonly path: string;
  /** The template that `path` fits, `other` where there is none. */
  readonly route: string;
  /** As `performance.now()` had it. */
  readonly startedMs: number;
  /** Wall clock at `startedMs`. */
  readonly startedAtMs = Date.now();
  /** A probe, a scrape or another question that the router answers itself and that changes nothing. */
  routine = false;
  /** As the client named it. */
  model: string | undefined;
  /** The answer came as events. */
  streams = false;
  /** Spent waiting for admission. */
  queueMs = 0;
  /** URL of the last worker asked. */
  worker: string | undefined;
  policy: string | undefined;
  /** Which rule of the policy decided. */
  reason: string | undefined;
  /** Predicted to be cached at the worker, of `promptBytes`; both 0 where the policy does not predict. */
  matchedBytes = 0;
  promptBytes = 0;
  /** Times a worker was asked. */
  attempts = 0;
  /** From `startedMs` to the first byte of the answer's body; undefined when none came. */
  firstByteMs: number | undefined;
  /** The engine's own counts, where the answer carried them. */
  promptTokens: number | undefined;
  completionTokens: number | undefined;
  cachedTokens: number | undefined;
  /** HTTP status that was sent; 0 when none was. */
  status = 0;
  /** Status that an error event of the stream stands for, whatever its HTTP status. */
  errorEvent: number | undefined;
  /** Code of the error that the router answered or ended the answer with. */
  errorCode: string | undefined;
  /** The client went away before it had the whole answer. */
  clientLeft = false;
  requestBytes = 0;
  answerBytes = 0;
  /** Pieces in which the body of the answer came. */
  answerChunks = 0;
  /** Set where a trace is recorded. */
  marks: PromptMarks | undefined;
  /** From `startedMs` to the end, however it ended. */
  totalMs = 0;

  constructor(id: string, method: string, path: string, route: string, startedMs: number = performance.now()) {
    this.id = id;
    this.method = method;
    this.path = path;
    this.route = route;
    this.startedMs = startedMs;
  }
}
