import type { ServerResponse } from 'node:http';
import type { Finish } from '../answer.ts';
import { type ChatMessage, chatTokens } from '../chat-template.ts';
import type { Job } from '../job.ts';
import { type ApiCall, sendJson } from './api-call.ts';
import { type Json, optionalInteger, optionalStrings, parseBody, required } from './body.ts';
import { readMessages } from './chat.ts';
import type { SimContext } from './context.ts';
import { EventStream } from './event-stream.ts';
import { anthropicError, failureOf } from './failures.ts';
import { createJob, runJobs, saltOf } from './jobs.ts';
import { findPlaces, ONE_PROMPT, type Place } from './places.ts';

/** POST /v1/messages: Anthropic's API. */
export function messages(context: SimContext, call: ApiCall): void {
  const { response } = call;
  const body = parseBody(call.body);
  const turns = readMessages(body);
  required(body, 'max_tokens');
  const system: readonly ChatMessage[] = body.system ? [{ role: 'system', content: body.system }] : [];
  const stream = body.stream === true;
  const id = context.newId();
  const [place] = findPlaces(context, call, body, ONE_PROMPT) as [Place];
  const job = createJob(context, {
    call,
    place,
    id,
    prompt: chatTokens([...system, ...turns], body.tools),
    maxTokens: optionalInteger(body, 'max_tokens'),
    stop: optionalStrings(body, 'stop_sequences'),
    seed: 0,
    salt: saltOf(body),
    stream,
    advance: stream ? streamMessage(response, body, id) : wholeMessage(response, body, id),
  });
  runJobs(context, call, [job]);
}

type Answerer = (job: Job, text: string) => void;

function event(type: string, fields: Json): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
}

function streamMessage(response: ServerResponse, body: Json, id: string): Answerer {
  const events = new EventStream(response);
  let started = false;
  return (job, text) => {
    const failure = failureOf(job);
    const start = (tokens: number) => {
      const usage = { input_tokens: tokens, output_tokens: 0 };
      const message = { id: `msg_${id}`, type: 'message', role: 'assistant', content: [], model: body.model, usage };
      return event('message_start', { message });
    };
    if (failure) {
      if (!started) events.write(start(0));
      events.write(event('error', anthropicError(failure) as Json));
      events.end(event('message_stop', {}));
      return;
    }
    let out = '';
    if (!started) {
      started = true;
      out += start(job.promptTokens);
      out += event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } });
    }
    if (text !== '') out += event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } });
    if (!job.finish) {
      events.write(out);
      return;
    }
    out += event('content_block_stop', { index: 0 });
    const usage = { output_tokens: job.outputTokens };
    out += event('message_delta', { delta: { stop_reason: stopReason(job.finish) }, usage });
    events.end(out + event('message_stop', {}));
  };
}

function wholeMessage(response: ServerResponse, body: Json, id: string): Answerer {
  return (job) => {
    if (!job.finish) return;
    sendJson(response, 200, {
      id: `msg_${id}`,
      type: 'message',
      role: 'assistant',
      content: [{ type: 'text', text: job.spec.answer.text }],
      model: body.model,
      stop_reason: stopReason(job.finish),
      usage: { input_tokens: job.promptTokens, output_tokens: job.outputTokens },
    });
  };
}

function stopReason(finish: Finish): string {
  if (finish.type === 'length') return 'max_tokens';
  return finish.type === 'stop' && typeof finish.matched === 'string' ? 'stop_sequence' : 'end_turn';
}
