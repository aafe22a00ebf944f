import type { ServerResponse } from 'node:http';
import { type ChatMessage, chatTokens } from '../chat-template.ts';
import type { Job } from '../job.ts';
import { type ApiCall, sendJson } from './api-call.ts';
import { type Json, optionalInteger, optionalStrings, parseBody, required } from './body.ts';
import { createdSecs, type SimContext } from './context.ts';
import { BadRequestError, InvalidBodyError } from './errors.ts';
import { DONE, EventStream } from './event-stream.ts';
import { failureEvent, failureOf } from './failures.ts';
import { createJob, runJobs, saltOf } from './jobs.ts';
import { chatLogprobs } from './logprobs.ts';
import { finishFields, metadata, readStream, type StreamOptions, usage } from './openai.ts';
import { findPlaces, type Place } from './places.ts';

/** POST /v1/chat/completions. */
export function chatCompletions(context: SimContext, call: ApiCall): void {
  const { response } = call;
  const body = parseBody(call.body);
  const prompt = chatTokens(readMessages(body), body.tools);
  const stream = readStream(body);
  const copies = Math.max(1, optionalInteger(body, 'n') ?? 1);
  const places = findPlaces(context, call, body, { prompts: 1, copies, isBatch: false });
  const ids = Array.from({ length: copies }, (_, i) =>
    i === 0 && typeof body.rid === 'string' ? body.rid : context.newId(),
  );
  const answer = stream ? streamChat(context, response, body, ids, stream) : wholeChat(context, response, body, ids);
  const jobs = ids.map((id, index) =>
    createJob(context, {
      call,
      place: places[index] as Place,
      id,
      prompt,
      maxTokens: optionalInteger(body, 'max_completion_tokens') ?? optionalInteger(body, 'max_tokens'),
      stop: optionalStrings(body, 'stop'),
      seed: (optionalInteger(body, 'seed') ?? 0) + index,
      salt: saltOf(body),
      stream: stream !== undefined,
      advance: (job, text) => answer(job, text, index),
    }),
  );
  runJobs(context, call, jobs);
}

/** The messages of a body. Throws InvalidBodyError or, for an empty list, BadRequestError. */
export function readMessages(body: Json): readonly ChatMessage[] {
  const messages = required(body, 'messages');
  if (!Array.isArray(messages)) throw new InvalidBodyError('list_type', 'messages', 'Input should be a valid list');
  if (messages.length === 0) throw new BadRequestError('Messages cannot be empty.');
  return messages.map((message) => (typeof message === 'object' && message !== null ? message : { content: message }));
}

type Answerer = (job: Job, text: string, index: number) => void;

function streamChat(
  context: SimContext,
  response: ServerResponse,
  body: Json,
  ids: readonly string[],
  stream: StreamOptions,
): Answerer {
  const events = new EventStream(response);
  const created = createdSecs(context);
  const model = JSON.stringify(body.model ?? 'default');
  const heads = ids.map(
    (id) =>
      `data: {"id":${JSON.stringify(id)},"object":"chat.completion.chunk","created":${created},"model":${model},"choices":[`,
  );
  const over: Job[] = [];
  return (job, text, index) => {
    const head = heads[index] as string;
    const delta = `${head}{"index":${index},"delta":{"reasoning_content":null`;
    const counted = stream.usageOnEach ? `,"usage":${usage(context, [job])}` : '';
    const open = '"finish_reason":null,"matched_stop":null}]';
    const failure = failureOf(job);
    let out = failure ? failureEvent(failure) : '';
    if (job.outputTokens <= 1 && !failure)
      out += `${delta},"role":"assistant","content":""},"logprobs":null,${open}}\n\n`;
    if (text !== '')
      out += `${delta},"content":"${text}"},"logprobs":${lastLogprobs(body, job)},${open}${counted}}\n\n`;
    if (job.finish) {
      over.push(job);
      if (!failure) out += `${delta}},"logprobs":null,${finishFields(job.finish)}}]}\n\n`;
    }
    if (over.length < ids.length) {
      events.write(out);
      return;
    }
    if (stream.usageAtEnd) out += `${heads[0]}],"usage":${usage(context, over)}}\n\n`;
    events.end(out + DONE);
  };
}

function lastLogprobs(body: Json, job: Job): string {
  return body.logprobs === true ? JSON.stringify(chatLogprobs(job.spec.answer.ids.slice(-1), body)) : 'null';
}

function wholeChat(context: SimContext, response: ServerResponse, body: Json, ids: readonly string[]): Answerer {
  const created = createdSecs(context);
  const over: Job[] = [];
  return (job) => {
    if (!job.finish) return;
    over.push(job);
    if (over.length < ids.length) return;
    const jobs = over.toSorted((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id));
    sendJson(response, 200, {
      id: ids[0],
      object: 'chat.completion',
      created,
      model: body.model ?? 'default',
      choices: jobs.map(({ spec: { answer }, finish }, index) => ({
        index,
        message: { role: 'assistant', content: answer.text, reasoning_content: null },
        logprobs: body.logprobs === true ? chatLogprobs(answer.ids, body) : null,
        ...(finish ? JSON.parse(`{${finishFields(finish)}}`) : {}),
      })),
      usage: JSON.parse(usage(context, jobs)),
      metadata: metadata(jobs),
    });
  };
}
