import { Answer } from '../answer.ts';
import { Job } from '../job.ts';
import type { SimOptions } from '../options.ts';
import { hashText, START_OF_TEXT, tokenize } from '../tokens.ts';
import type { ApiCall } from './api-call.ts';
import type { Json } from './body.ts';
import type { SimContext } from './context.ts';
import { BadRequestError } from './errors.ts';
import { failureOf, sendFailure } from './failures.ts';
import type { Place } from './places.ts';

/** What an endpoint asks of the engine for one prompt. */
interface JobRequest {
  readonly call: ApiCall;
  readonly place: Place;
  readonly id: string;
  readonly prompt: readonly number[];
  /** Undefined: the model ends by itself. */
  readonly maxTokens: number | undefined;
  readonly stop: readonly string[];
  readonly seed: number;
  readonly salt: number;
  readonly stream: boolean;
  /** As in JobSpec; where nothing is streamed, not called for a job that the engine gave up. */
  readonly advance: (job: Job, text: string) => void;
}

/** A job within the engine's limits. Throws BadRequestError in SGLang's words. */
export function createJob({ options }: SimContext, request: JobRequest): Job {
  const { prompt, maxTokens } = request;
  const { rank, meeting } = request.place;
  const answer = new Answer(prompt, request.seed + options.randomSeed, {
    maxTokens,
    meanTokens: options.outputTokens,
    roomTokens: roomForAnswer(options, prompt.length, maxTokens),
    stop: request.stop,
    firstOnly: meeting?.side === 'prefill',
  });
  const { id, salt, stream } = request;
  const advance = stream ? cutting(request, options.cutAfterTokens) : failing(request);
  return new Job({ id, prompt, answer, salt, stream, rank: rank.index, meeting, advance });
}

/** Tokens that an answer to a prompt of `input` tokens may have at most. Throws BadRequestError in SGLang's words where they do not fit. */
export function roomForAnswer(
  { contextLength, maxTotalTokens, pageSize }: SimOptions,
  input: number,
  maxTokens: number | undefined,
): number {
  if (maxTokens !== undefined && maxTokens < 0) {
    throw new BadRequestError(`max_new_tokens must be at least 0, got ${maxTokens}.`);
  }
  if (input >= contextLength) {
    throw new BadRequestError(
      `The input (${input} tokens) is longer than the model's context length (${contextLength} tokens).`,
    );
  }
  if (input + (maxTokens ?? 0) > contextLength)
    throw new BadRequestError(tooManyTokens(contextLength, input, maxTokens ?? 0));
  const poolRoom = Math.floor(maxTotalTokens / pageSize) * pageSize - input;
  if (poolRoom < 1) {
    throw new BadRequestError(
      `Input length (${input} tokens) exceeds the maximum allowed length (${maxTotalTokens - 1} tokens).`,
    );
  }
  return Math.min(contextLength - input, poolRoom);
}

/** Cuts the connection after so many tokens. */
function cutting({ call, advance }: JobRequest, tokens: number | undefined): JobRequest['advance'] {
  if (tokens === undefined) return advance;
  return (job, text) => {
    advance(job, text);
    // What was written leaves; the answer is cut all the same.
    if (job.outputTokens >= tokens) call.response.socket?.destroySoon();
  };
}

/** Answers with an error as soon as one job of a request fails. */
function failing({ call, advance }: JobRequest): JobRequest['advance'] {
  return (job, text) => {
    if (call.response.headersSent) return;
    const failure = failureOf(job);
    if (failure) sendFailure(call, failure);
    else advance(job, text);
  };
}

function tooManyTokens(contextLength: number, input: number, output: number): string {
  return (
    `Requested token count exceeds the model's maximum context length of ${contextLength} tokens. You requested a total of ` +
    `${input + output} tokens: ${input} tokens from the input messages and ${output} tokens for the completion. Please ` +
    'reduce the number of tokens in the input messages or the completion to fit within the limit.'
  );
}

/** Hands jobs to their engines; those not over when the answer is, or when the client leaves, are aborted. */
export function runJobs({ ranks }: SimContext, { response }: ApiCall, jobs: readonly Job[]): void {
  const used = ranks
    .map(({ index, engine }) => ({ engine, mine: jobs.filter(({ spec }) => spec.rank === index) }))
    .filter(({ mine }) => mine.length > 0);
  response.on('close', () => {
    for (const { engine, mine } of used) {
      if (mine.some((job) => !job.finish)) engine.abort((job) => mine.includes(job), 'Client disconnected');
    }
  });
  for (const { engine, mine } of used) engine.submit(mine);
}

/** What keeps equal prompts of different tenants apart in the cache. */
export function saltOf(body: Json): number {
  const { cache_salt: salt, extra_key: extra, lora_path: lora } = body;
  const parts = [salt, extra, lora].filter((part) => typeof part === 'string');
  return parts.length === 0 ? 0 : hashText(parts.join('\0'));
}

/** The tokens of a prompt given as text or as token ids; an empty text is one special token. */
export function promptTokens(prompt: string | readonly number[]): readonly number[] {
  if (typeof prompt !== 'string') return prompt;
  return prompt === '' ? [START_OF_TEXT] : tokenize(prompt);
}
