/** Error name of an API → HTTP status; the first ten are Anthropic's. */
const STATUS_OF: ReadonlyMap<unknown, number> = new Map([
  ['invalid_request_error', 400],
  ['authentication_error', 401],
  ['permission_error', 403],
  ['not_found_error', 404],
  ['request_timeout_error', 408],
  ['request_too_large', 413],
  ['rate_limit_error', 429],
  ['api_error', 500],
  ['timeout_error', 504],
  ['overloaded_error', 529],
  ['rate_limit_exceeded', 429],
  ['server_error', 500],
]);
const UNNAMED = 500;
/** SGLang's messages for its 503s. In a `response.failed` only the message tells: the code is always `server_error`. */
const WORDS_OF_OVERLOAD: ReadonlySet<unknown> = new Set([
  'The request queue is full.',
  'The request is aborted by a higher priority request.',
  'Request waiting timeout reached.',
  'Request running timeout reached.',
]);
const OVERLOADED = 503;

/** Events that servers send before they know whether the request goes well. */
const PREAMBLES: ReadonlySet<unknown> = new Set([
  'message_start',
  'ping',
  'response.created',
  'response.queued',
  'response.in_progress',
]);

type Fields = Readonly<Record<string, unknown>>;

/** The status of an error event of OpenAI's, Anthropic's or SGLang's APIs: the one that it names, else 500; undefined for any other event. `name` is from its `event:` line, `data` is its JSON text. */
export function errorStatusOf(name: string, data: string): number | undefined {
  const fields = fieldsOf(data);
  if (!fields) return name === 'error' ? UNNAMED : undefined;
  const error = fields.error || (fields.type === 'response.failed' && (fieldsIn(fields.response).error ?? {}));
  if (error) return statusIn(error);
  if (name === 'error' || fields.object === 'error' || fields.type === 'error') return statusIn(fields);
  return abortStatus(fields);
}

/** Whether the event tells nothing yet of how the request goes. Zero prompt tokens mean that they were never counted. */
export function isPreamble(data: string): boolean {
  const fields = fieldsOf(data) ?? {};
  const tokens = fieldsIn(fieldsIn(fields.message).usage).input_tokens;
  return PREAMBLES.has(fields.type) && !(fields.type === 'message_start' && Number(tokens) > 0);
}

/** The status of a `/generate` abort; without a status the abort was asked for. */
function abortStatus(fields: Fields): number | undefined {
  const { type, status_code: status } = fieldsIn(fieldsIn(fields.meta_info).finish_reason);
  return type === 'abort' ? asStatus(status) : undefined;
}

function statusIn(error: unknown): number {
  const { code, status_code: statusCode, status, type, message } = fieldsIn(error);
  if (code === 'server_error' && WORDS_OF_OVERLOAD.has(message)) return OVERLOADED;
  for (const value of [code, statusCode, status, type]) {
    const known = asStatus(value);
    if (known !== undefined) return known;
  }
  return UNNAMED;
}

function asStatus(value: unknown): number | undefined {
  const status = typeof value === 'string' && /^[45]\d\d$/.test(value) ? Number(value) : value;
  if (Number.isInteger(status) && (status as number) >= 400 && (status as number) < 600) return status as number;
  return STATUS_OF.get(value);
}

function fieldsOf(json: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? (value as Fields) : undefined;
  } catch {
    return undefined;
  }
}

function fieldsIn(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}
