import type { Job } from '../job.ts';
import { type ApiCall, sendText } from './api-call.ts';
import {
  isNumbers,
  isStrings,
  type Json,
  optionalInteger,
  optionalObject,
  optionalStrings,
  parseBody,
} from './body.ts';
import type { SimContext } from './context.ts';
import { BadRequestError, InvalidBodyError } from './errors.ts';
import { DONE, EventStream } from './event-stream.ts';
import { type LogprobOptions, metaInfo, readLogprobs } from './generate-meta.ts';
import { createJob, promptTokens, runJobs, saltOf } from './jobs.ts';
import { findPlaces, type Place } from './places.ts';

const DEFAULT_MAX_NEW_TOKENS = 128;

/** The prompts of a body; `batch` where the answer must be a list. */
interface Prompts {
  readonly batch: boolean;
  readonly prompts: readonly (string | readonly number[])[];
}

/** POST /generate: SGLang's own API. */
export function generate(context: SimContext, call: ApiCall): void {
  const body = parseBody(call.body);
  const stream = body.stream === true;
  const logprobs = readLogprobs(context, body);
  const { prompts, batch } = readPrompts(body);
  const params = prompts.map((_, i) => samplingParams(body, i));
  const copies = Math.max(1, params[0] ? (optionalInteger(params[0], 'n') ?? 1) : 1);
  const isList = batch || copies > 1;
  const places = findPlaces(context, call, body, { prompts: prompts.length, copies, isBatch: batch });
  const events = new EventStream(call.response);
  const answer = stream
    ? streamAnswer(context, events, prompts.length * copies, isList, logprobs)
    : wholeAnswer(context, call.response, prompts.length * copies, isList, logprobs);
  const jobs = prompts.flatMap((prompt, p) =>
    Array.from({ length: copies }, (_, copy) => {
      const param = params[p] as Json;
      const index = p * copies + copy;
      return createJob(context, {
        call,
        place: places[index] as Place,
        id: ridOf(body, index) ?? context.newId(),
        prompt: promptTokens(prompt),
        maxTokens: optionalInteger(param, 'max_new_tokens') ?? DEFAULT_MAX_NEW_TOKENS,
        stop: optionalStrings(param, 'stop'),
        seed: (optionalInteger(param, 'sampling_seed') ?? 0) + copy,
        salt: saltOf(body),
        stream,
        advance: (job) => answer(job, index),
      });
    }),
  );
  // As a real one does; alone the simulated engine saves the system call, as its first token comes soon.
  if (stream && context.options.disaggregationMode !== 'null') events.open();
  runJobs(context, call, jobs);
}

type Answerer = (job: Job, index: number) => void;

function streamAnswer(
  context: SimContext,
  events: EventStream,
  count: number,
  isList: boolean,
  logprobs: LogprobOptions | undefined,
): Answerer {
  let left = count;
  return (job, index) => {
    const { answer } = job.spec;
    const place = isList ? `,"index":${index}` : '';
    const event =
      `data: {"text":"${answer.text}","output_ids":[${answer.ids.join()}],` +
      `"meta_info":${metaInfo(context, job, { first: answer.ids.length <= 1, logprobs })}${place}}\n\n`;
    if (job.finish && --left === 0) events.end(event + DONE);
    else events.write(event);
  };
}

function wholeAnswer(
  context: SimContext,
  response: ApiCall['response'],
  count: number,
  isList: boolean,
  logprobs: LogprobOptions | undefined,
): Answerer {
  const parts = new Array<string>(count);
  let left = count;
  return (job, index) => {
    if (!job.finish) return;
    const { answer } = job.spec;
    parts[index] =
      `{"text":"${answer.text}","output_ids":[${answer.ids.join()}],` +
      `"meta_info":${metaInfo(context, job, { first: true, logprobs })}}`;
    if (--left > 0) return;
    sendText(response, 200, isList ? `[${parts.join()}]` : (parts[0] as string), 'application/json');
  };
}

function readPrompts({ text, input_ids: ids }: Json): Prompts {
  if (typeof text === 'string') return { batch: false, prompts: [text] };
  if (isStrings(text) && text.length > 0) return { batch: true, prompts: text };
  if (isNumbers(ids) && ids.length > 0) return { batch: false, prompts: [ids] };
  if (Array.isArray(ids) && ids.length > 0 && ids.every((one) => isNumbers(one) && one.length > 0)) {
    return { batch: true, prompts: ids };
  }
  throw new BadRequestError('Either text, input_ids or input_embeds should be provided.');
}

function samplingParams(body: Json, index: number): Json {
  const given = body.sampling_params;
  return Array.isArray(given)
    ? optionalObject({ sampling_params: given[index] }, 'sampling_params')
    : optionalObject(body, 'sampling_params');
}

function ridOf({ rid }: Json, index: number): string | undefined {
  if (rid === undefined || rid === null) return undefined;
  if (typeof rid === 'string') return index === 0 ? rid : `${rid}_${index}`;
  const one = Array.isArray(rid) ? rid[index] : undefined;
  if (typeof one === 'string') return one;
  throw new InvalidBodyError('string_type', 'rid', 'Input should be a valid string');
}
