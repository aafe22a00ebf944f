import type { ClientRequest } from '../../http/edge/client-request.ts';
import { endpointOf } from '../../http/endpoints.ts';
import { pathOf } from '../../http/path.ts';
import { REFERENCE_FIELDS } from '../../link/reference-fields.ts';
import type { RoutingHints } from '../../link/scheduling.ts';
import { findFieldsNearEnds } from './json-ends.ts';
import { type ByteSpan, skipString, stringAt, valueOfField } from './json-scan.ts';
import { multipartField } from './multipart.ts';
import { ALL_PROMPT_FIELDS, promptOf, promptsRead } from './prompt.ts';
import { ALL_KEY_FIELDS, explicitKey, sessionKey } from './session-key.ts';

const STREAM = 'stream';
const MODEL = 'model';
/** SGLang's and OpenAI's way to ask for log probabilities of the prompt. */
const LOGPROB_START = 'logprob_start_len';
const RETURN_LOGPROB = 'return_logprob';
const ECHO = 'echo';
const LOGPROBS = 'logprobs';
const WANTED: ReadonlySet<string> = new Set([
  ...ALL_PROMPT_FIELDS,
  ...ALL_KEY_FIELDS,
  ...Object.values(REFERENCE_FIELDS).flat(),
  STREAM,
  MODEL,
  LOGPROB_START,
  RETURN_LOGPROB,
  ECHO,
  LOGPROBS,
]);
const NO_FIELDS: ReadonlyMap<string, ByteSpan> = new Map();
const TRUE = 0x74;
const NULL = 0x6e;
const FALSE = 0x66;
const MINUS = 0x2d;
const QUOTE = 0x22;

/** Routing's view of one request, read from its body on demand and remembered; the prompt is read again if another was read since. */
export class RequestHints implements RoutingHints {
  readonly #request: Pick<ClientRequest, 'url' | 'headers'>;
  readonly #of: { readonly body: Buffer };
  #fields: ReadonlyMap<string, ByteSpan> | undefined;
  readonly #severalModels: boolean;
  #prompt: Uint8Array | undefined;
  /** The reading (`promptsRead`) that `#prompt` belongs to. */
  #reading = -1;

  /** `of` holds the body, which is read only while it is held. */
  constructor(request: Pick<ClientRequest, 'url' | 'headers'>, of: { readonly body: Buffer }, severalModels = false) {
    this.#request = request;
    this.#of = of;
    this.#severalModels = severalModels;
  }

  get #body(): Buffer {
    return this.#of.body;
  }

  get prompt(): Uint8Array | undefined {
    if (this.#reading === promptsRead()) return this.#prompt;
    const { family } = endpointOf(pathOf(this.#request.url));
    const fields = this.#scanned();
    this.#prompt = promptOf(family, { body: this.#body, fields, severalModels: this.#severalModels });
    this.#reading = promptsRead();
    return this.#prompt;
  }

  get key(): string | undefined {
    const { headers } = this.#request;
    return explicitKey(headers) ?? sessionKey(headers, this.#body, this.#scanned());
  }

  get streams(): boolean {
    return this.#firstByteOf(STREAM) === TRUE;
  }

  get recomputes(): boolean {
    const start = this.#firstByteOf(LOGPROB_START);
    const wanted = this.#firstByteOf(RETURN_LOGPROB);
    // A negative start, the default, asks for logprobs of the answer only.
    const fromStart = start !== undefined && start !== MINUS && start !== NULL;
    return (fromStart && isSet(wanted)) || (this.#firstByteOf(ECHO) === TRUE && isSet(this.#firstByteOf(LOGPROBS)));
  }

  #firstByteOf(field: string): number | undefined {
    const span = this.#scanned().get(field);
    return span && this.#body[span.start];
  }

  /** The text of a body field, or of `id` in the object there. */
  idIn(field: string): string | undefined {
    const span = this.#scanned().get(field);
    if (!span) return undefined;
    const value = this.#body.subarray(span.start, span.end);
    const inner = valueOfField(value, 0, 'id');
    const start = inner ?? 0;
    return value[start] === QUOTE ? stringAt(value, { start, end: skipString(value, start) }) : undefined;
  }

  /** The model that the client names; undefined if none. */
  get model(): string | undefined {
    const span = this.#scanned().get(MODEL);
    if (span) return stringAt(this.#body, span);
    if (this.#body.length === 0) return queryOf(this.#request.url).get(MODEL) ?? undefined;
    return multipartField(this.#body, this.#request.headers['content-type'], MODEL);
  }

  /** The fields of the body; none if it is no JSON object. */
  #scanned(): ReadonlyMap<string, ByteSpan> {
    this.#fields ??= findFieldsNearEnds(this.#body, WANTED) ?? NO_FIELDS;
    return this.#fields;
  }
}

/** The query, for requests without a body, such as those that open a tunnel. */
function queryOf(url: string): URLSearchParams {
  const at = url.indexOf('?');
  return new URLSearchParams(at < 0 ? '' : url.slice(at + 1));
}

/** Whether a value is present and neither null nor false, by its first byte. */
function isSet(byte: number | undefined): boolean {
  return byte !== undefined && byte !== NULL && byte !== FALSE;
}
