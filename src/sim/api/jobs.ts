import type { ServerResponse } from 'node:http';
import { Answer } from '../answer.ts';
import { Job } from '../job.ts';
import { hashText, START_OF_TEXT, tokenize } from '../tokens.ts';
import { type Json, optionalInteger } from './body.ts';
import type { SimContext } from './context.ts';
import { BadRequestError } from './errors.ts';

/** What an endpoint asks of the engine for one prompt. */
export interface JobRequest {
  readonly response: ServerResponse;
  readonly id: string;
  readonly prompt: readonly number[];
  /** Undefined: the model ends by itself. */
  readonly maxTokens: number | undefined;
  readonly stop: readonly string[];
  readonly seed: number;
  readonly salt: number;
  readonly stream: boolean;
  readonly advance: (job: Job, text: string) => void;
}

/** A job within the engine's limits. Throws BadRequestError in SGLang's words. */
export function createJob({ options }: SimContext, request: JobRequest): Job {
  const { prompt, maxTokens } = request;
  const input = prompt.length;
  const { contextLength, maxTotalTokens, outputTokens, randomSeed } = options;
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
  const poolRoom = Math.floor(maxTotalTokens / options.pageSize) * options.pageSize - input;
  if (poolRoom < 1) {
    throw new BadRequestError(
      `Input length (${input} tokens) exceeds the maximum allowed length (${maxTotalTokens - 1} tokens).`,
    );
  }
  const answer = new Answer(prompt, request.seed + randomSeed, {
    maxTokens,
    meanTokens: outputTokens,
    roomTokens: Math.min(contextLength - input, poolRoom),
    stop: request.stop,
  });
  const { id, salt, stream, response } = request;
  const cut = stream ? options.cutAfterTokens : undefined;
  const advance: JobRequest['advance'] = (job, text) => {
    request.advance(job, text);
    if (cut !== undefined && job.outputTokens >= cut) response.destroy();
  };
  return new Job({ id, prompt, answer, salt, stream, advance: cut === undefined ? request.advance : advance });
}

function tooManyTokens(contextLength: number, input: number, output: number): string {
  return (
    `Requested token count exceeds the model's maximum context length of ${contextLength} tokens. You requested a total of ` +
    `${input + output} tokens: ${input} tokens from the input messages and ${output} tokens for the completion. Please ` +
    'reduce the number of tokens in the input messages or the completion to fit within the limit.'
  );
}

/** Hands jobs to the engine; the client leaving aborts them. */
export function runJobs({ engine }: SimContext, response: ServerResponse, jobs: readonly Job[]): void {
  response.on('close', () => {
    if (!response.writableFinished) engine.abort((job) => jobs.includes(job), 'Client disconnected');
  });
  engine.submit(jobs);
}

/** What keeps equal prompts of different tenants apart in the cache. */
export function saltOf(body: Json): number {
  const { cache_salt: salt, extra_key: extra, lora_path: lora } = body;
  const parts = [salt, extra, lora].filter((part) => typeof part === 'string');
  return parts.length === 0 ? 0 : hashText(parts.join('\0'));
}

/** Checks the rank a client or router asks for against the one there is. Throws BadRequestError. */
export function checkRank(body: Json): void {
  for (const field of ['routed_dp_rank', 'data_parallel_rank']) {
    const rank = optionalInteger(body, field);
    if (rank !== undefined && rank !== 0) throw new BadRequestError(`${field}=${rank} out of range [0, 1)`);
  }
}

/** The tokens of a prompt given as text or as token ids; an empty text is one special token. */
export function promptTokens(prompt: string | readonly number[]): readonly number[] {
  if (typeof prompt !== 'string') return prompt;
  return prompt === '' ? [START_OF_TEXT] : tokenize(prompt);
}
