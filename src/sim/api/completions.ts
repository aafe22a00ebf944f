import type { ServerResponse } from 'node:http';
import type { Job } from '../job.ts';
import { tokenText } from '../tokens.ts';
import { type ApiCall, sendJson } from './api-call.ts';
import { isNumbers, isStrings, type Json, optionalInteger, optionalStrings, parseBody, required } from './body.ts';
import { createdSecs, type SimContext } from './context.ts';
import { InvalidBodyError } from './errors.ts';
import { DONE, EventStream } from './event-stream.ts';
import { failureEvent, failureOf } from './failures.ts';
import { createJob, promptTokens, runJobs, saltOf } from './jobs.ts';
import { completionLogprobs } from './logprobs.ts';
import { finishFields, metadata, readStream, type StreamOptions, usage } from './openai.ts';
import { findPlaces, type Place } from './places.ts';

/** As OpenAI has it: a completion without a limit is short. */
const DEFAULT_MAX_TOKENS = 16;

type Prompt = string | readonly number[];

/** POST /v1/completions. */
export function completions(context: SimContext, call: ApiCall): void {
  const { response } = call;
  const body = parseBody(call.body);
  const { prompts, isBatch } = readPrompts(body);
  const maxTokens = optionalInteger(body, 'max_tokens') ?? DEFAULT_MAX_TOKENS;
  if (maxTokens < 0)
    throw new InvalidBodyError('value_error', 'max_tokens', 'Value error, max_tokens must be positive');
  const stream = readStream(body);
  const copies = Math.max(1, optionalInteger(body, 'n') ?? 1);
  const places = findPlaces(context, call, body, { prompts: prompts.length, copies, isBatch });
  const ids = Array.from({ length: prompts.length * copies }, (_, i) =>
    i === 0 && typeof body.rid === 'string' ? body.rid : context.newId(),
  );
  const echoes = prompts.map((prompt) => (body.echo === true ? echoOf(prompt) : ''));
  const plan: Plan = {
    context,
    response,
    body,
    ids,
    prompts: prompts.length,
    echo: (index) => echoes[Math.floor(index / copies)] ?? '',
    echoesLogprobs: body.echo === true && context.options.disaggregationMode !== 'decode',
  };
  const answer = stream ? streamCompletion(plan, stream) : wholeCompletion(plan);
  const jobs = ids.map((id, index) =>
    createJob(context, {
      call,
      place: places[index] as Place,
      id,
      prompt: promptTokens(prompts[Math.floor(index / copies)] as Prompt),
      maxTokens,
      stop: optionalStrings(body, 'stop'),
      seed: (optionalInteger(body, 'seed') ?? 0) + (index % copies),
      salt: saltOf(body),
      stream: stream !== undefined,
      advance: (job, text) => answer(job, text, index),
    }),
  );
  runJobs(context, call, jobs);
}

interface Plan {
  readonly context: SimContext;
  readonly response: ServerResponse;
  readonly body: Json;
  /** One for each choice. */
  readonly ids: readonly string[];
  readonly prompts: number;
  /** What stands before the text of a choice. */
  readonly echo: (index: number) => string;
  /** The echo has its logprobs too; a decode server does not know them. */
  readonly echoesLogprobs: boolean;
}

type Answerer = (job: Job, text: string, index: number) => void;

function streamCompletion(
  { context, response, body, ids, prompts, echo, echoesLogprobs }: Plan,
  stream: StreamOptions,
): Answerer {
  const events = new EventStream(response);
  const created = createdSecs(context);
  const model = JSON.stringify(body.model ?? 'default');
  const heads = ids.map(
    (id) =>
      `data: {"id":${JSON.stringify(id)},"object":"text_completion","created":${created},"model":${model},"choices":[`,
  );
  const over: Job[] = [];
  return (job, text, index) => {
    const failure = failureOf(job);
    const shown = job.outputTokens <= 1 ? JSON.stringify(echo(index) + text) : `"${text}"`;
    const { answer, prompt } = job.spec;
    const echoed = echoesLogprobs && job.outputTokens <= 1 ? prompt : [];
    const logprobs = body.logprobs ? JSON.stringify(completionLogprobs(answer.ids.slice(-1), echoed)) : 'null';
    const finish = job.finish ? finishFields(job.finish) : '"finish_reason":null,"matched_stop":null';
    const counted = stream.usageOnEach ? usage(context, [job]) : 'null';
    let out = failure
      ? failureEvent(failure)
      : `${heads[index]}{"index":${index},"text":${shown},"logprobs":${logprobs},${finish}}],"usage":${counted}}\n\n`;
    if (job.finish) over.push(job);
    if (over.length < ids.length) {
      events.write(out);
      return;
    }
    if (stream.usageAtEnd) out += `${heads[0]}],"usage":${usage(context, inOrder(over, ids), prompts)}}\n\n`;
    events.end(out + DONE);
  };
}

function wholeCompletion({ context, response, body, ids, prompts, echo, echoesLogprobs }: Plan): Answerer {
  const created = createdSecs(context);
  const over: Job[] = [];
  return (job) => {
    if (!job.finish) return;
    over.push(job);
    if (over.length < ids.length) return;
    const jobs = inOrder(over, ids);
    sendJson(response, 200, {
      id: ids[0],
      object: 'text_completion',
      created,
      model: body.model ?? 'default',
      choices: jobs.map(({ spec: { answer, prompt }, finish }, index) => ({
        index,
        text: echo(index) + answer.text,
        logprobs: body.logprobs ? completionLogprobs(answer.ids, echoesLogprobs ? prompt : []) : null,
        ...(finish ? JSON.parse(`{${finishFields(finish)}}`) : {}),
      })),
      usage: JSON.parse(usage(context, jobs, prompts)),
      metadata: metadata(jobs),
    });
  };
}

function inOrder(jobs: readonly Job[], ids: readonly string[]): Job[] {
  return jobs.toSorted((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id));
}

function readPrompts(body: Json): { readonly prompts: readonly Prompt[]; readonly isBatch: boolean } {
  const prompt = required(body, 'prompt');
  if (typeof prompt === 'string') return { prompts: [prompt], isBatch: false };
  const several: readonly unknown[] = Array.isArray(prompt) ? prompt : [];
  if (several.length > 0) {
    if (isNumbers(several)) return { prompts: [several], isBatch: false };
    if (isStrings(several)) return { prompts: several, isBatch: true };
    const tokenized = several.filter((one) => isNumbers(one)).filter((one) => one.length > 0);
    if (tokenized.length === several.length) return { prompts: tokenized, isBatch: true };
  }
  throw new InvalidBodyError('string_type', 'prompt', 'Input should be a valid string');
}

function echoOf(prompt: Prompt): string {
  return typeof prompt === 'string' ? prompt : prompt.map(tokenText).join('');
}
