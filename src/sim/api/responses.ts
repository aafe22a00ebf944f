import type { ServerResponse } from 'node:http';
import { type ChatMessage, chatTokens } from '../chat-template.ts';
import type { Job } from '../job.ts';
import { type ApiCall, sendJson } from './api-call.ts';
import { type Json, optionalInteger, parseBody, required } from './body.ts';
import { createdSecs, type SimContext } from './context.ts';
import { InvalidBodyError } from './errors.ts';
import { EventStream } from './event-stream.ts';
import { failureOf } from './failures.ts';
import { createJob, runJobs, saltOf } from './jobs.ts';
import { findPlaces, ONE_PROMPT, type Place } from './places.ts';

/** POST /v1/responses: OpenAI's newer API. Where answers are kept, a conversation goes on from `previous_response_id`. */
export function responses(context: SimContext, call: ApiCall): void {
  const { response } = call;
  const body = parseBody(call.body);
  const before = historyOf(context, call, body);
  if (!before) return;
  const messages = [...before, ...readInput(body)];
  const system = body.instructions ? [{ role: 'system', content: body.instructions }] : [];
  const prompt = chatTokens([...system, ...messages], body.tools);
  const stream = body.stream === true;
  const head: Head = {
    id: `resp_${context.newId()}`,
    itemId: `msg_${context.newId()}`,
    created: createdSecs(context),
    body,
    ended: (job) => {
      if (!context.options.enableResponseStore || body.store === false) return;
      const said: ChatMessage = { role: 'assistant', content: job.spec.answer.text };
      context.responses.set(head.id, { answer: responseObject(head, job), messages: [...messages, said] });
    },
  };
  const [place] = findPlaces(context, call, body, ONE_PROMPT) as [Place];
  const job = createJob(context, {
    call,
    place,
    id: head.id,
    prompt,
    maxTokens: optionalInteger(body, 'max_output_tokens'),
    stop: [],
    seed: 0,
    salt: saltOf(body),
    stream,
    advance: stream ? streamResponse(response, head) : wholeResponse(response, head),
  });
  runJobs(context, call, [job]);
}

const DISABLED =
  'Response store is disabled. Stateful Responses require --enable-response-store on a standalone server; ' +
  'response storage is unavailable in PD mode.';

interface Head {
  readonly id: string;
  readonly itemId: string;
  readonly created: number;
  readonly body: Json;
  /** Called with the answer, before the client has it. */
  readonly ended: (job: Job) => void;
}

/** GET /v1/responses/ID, and POST …/cancel, which changes nothing any more. */
export function storedResponse(context: SimContext, call: ApiCall): void {
  const id = call.path.split('/')[3] ?? '';
  const stored = find(context, call, id);
  if (stored) sendJson(call.response, 200, stored.answer);
}

/** What was said before; undefined where that is refused, and answered so. */
function historyOf(context: SimContext, call: ApiCall, body: Json): readonly ChatMessage[] | undefined {
  const { previous_response_id: id } = body;
  if (typeof id !== 'string') return [];
  return find(context, call, id)?.messages;
}

function find({ options, responses: store }: SimContext, { response }: ApiCall, id: string) {
  const stored = options.enableResponseStore ? store.get(id) : undefined;
  if (stored) return stored;
  const message = options.enableResponseStore ? `Response with id '${id}' not found.` : DISABLED;
  const code = options.enableResponseStore ? 404 : 400;
  sendJson(response, code, { error: { message, type: 'invalid_request_error', param: 'response_id', code } });
  return undefined;
}

function readInput(body: Json): readonly ChatMessage[] {
  const input = required(body, 'input');
  if (typeof input === 'string') return [{ role: 'user', content: input }];
  if (Array.isArray(input)) return input;
  throw new InvalidBodyError('string_type', 'input', 'Input should be a valid string');
}

type Answerer = (job: Job, text: string) => void;

function wholeResponse(response: ServerResponse, head: Head): Answerer {
  return (job) => {
    if (!job.finish) return;
    head.ended(job);
    sendJson(response, 200, responseObject(head, job));
  };
}

function streamResponse(response: ServerResponse, head: Head): Answerer {
  const events = new EventStream(response);
  let sequence = 0;
  const event = (type: string, fields: Json) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...fields, sequence_number: sequence++ })}\n\n`;
  const place = { item_id: head.itemId, output_index: 0, content_index: 0 };
  return (job, text) => {
    const failure = failureOf(job);
    let out = '';
    if (sequence === 0) {
      out += event('response.created', { response: responseObject(head, undefined) });
      out += event('response.in_progress', { response: responseObject(head, undefined) });
      if (failure) events.write(out);
    }
    if (failure) {
      const error = { code: 'server_error', message: failure.message };
      const failed = { ...responseObject(head, undefined), status: 'failed', error };
      events.end(event('response.failed', { response: failed }));
      return;
    }
    if (sequence === 2) {
      out += event('response.output_item.added', { output_index: 0, item: item(head, undefined) });
      out += event('response.content_part.added', { ...place, part: part('') });
    }
    if (text !== '') out += event('response.output_text.delta', { ...place, delta: text, logprobs: [] });
    if (!job.finish) {
      events.write(out);
      return;
    }
    head.ended(job);
    const whole = job.spec.answer.text;
    out += event('response.output_text.done', { ...place, text: whole, logprobs: [] });
    out += event('response.content_part.done', { ...place, part: part(whole) });
    out += event('response.output_item.done', { output_index: 0, item: item(head, job) });
    events.end(out + event(`response.${status(job)}`, { response: responseObject(head, job) }));
  };
}

function part(text: string): Json {
  return { annotations: [], text, type: 'output_text', logprobs: null };
}

function item({ itemId }: Head, job: Job | undefined): Json {
  const content = job ? [part(job.spec.answer.text)] : [];
  const state = job ? 'completed' : 'in_progress';
  return { id: itemId, content, role: 'assistant', status: state, type: 'message', phase: 'final_answer' };
}

function status(job: Job | undefined): string {
  if (!job) return 'in_progress';
  return job.finish?.type === 'stop' ? 'completed' : 'incomplete';
}

function responseObject(head: Head, job: Job | undefined): Json {
  const { body } = head;
  return {
    id: head.id,
    object: 'response',
    created_at: head.created,
    model: body.model ?? 'default',
    output: job ? [item(head, job)] : [],
    status: status(job),
    usage: job ? usage(job) : null,
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    tool_choice: body.tool_choice ?? 'auto',
    tools: body.tools ?? [],
    error: null,
    incomplete_details: job && status(job) === 'incomplete' ? { reason: 'max_output_tokens' } : null,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    previous_response_id: body.previous_response_id ?? null,
    reasoning: { effort: null, summary: null },
    store: body.store ?? true,
    temperature: body.temperature ?? null,
    text: { format: { type: 'text' } },
    top_p: body.top_p ?? null,
    truncation: 'disabled',
    user: body.user ?? null,
    metadata: body.metadata ?? {},
  };
}

function usage({ promptTokens, outputTokens, cachedTokens }: Job): Json {
  return {
    input_tokens: promptTokens,
    input_tokens_details: { cached_tokens: cachedTokens, cache_write_tokens: 0 },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: promptTokens + outputTokens,
  };
}
