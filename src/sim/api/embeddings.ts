import type { Job } from '../job.ts';
import { hashTokens } from '../tokens.ts';
import { type ApiCall, sendJson } from './api-call.ts';
import { isNumbers, isStrings, type Json, parseBody, required } from './body.ts';
import type { SimContext } from './context.ts';
import { BadRequestError, InvalidBodyError } from './errors.ts';
import { createJob, promptTokens, runJobs, saltOf } from './jobs.ts';
import { usage } from './openai.ts';
import { findPlaces, type Place } from './places.ts';

const DIMENSIONS = 64;

/** POST /v1/embeddings: a prompt is computed and nothing generated. */
export function embeddings(context: SimContext, call: ApiCall): void {
  const body = parseBody(call.body);
  if (!context.options.isEmbedding) {
    throw new BadRequestError(
      'This model does not appear to be an embedding model by default. Please add `--is-embedding` when launching the ' +
        'server or try another model.',
    );
  }
  const inputs = readInputs(body);
  let left = inputs.length;
  const finished = () => {
    if (--left > 0) return;
    sendJson(call.response, 200, {
      data: jobs.map((job, index) => ({ embedding: embedding(job), index, object: 'embedding' })),
      model: context.options.modelPath,
      object: 'list',
      usage: JSON.parse(usage(context, jobs, jobs.length)),
    });
  };
  const places = findPlaces(context, call, body, { prompts: inputs.length, copies: 1, isBatch: inputs.length > 1 });
  const jobs = inputs.map((input, index) =>
    createJob(context, {
      call,
      place: places[index] as Place,
      id: context.newId(),
      prompt: promptTokens(input),
      maxTokens: 0,
      stop: [],
      seed: 0,
      salt: saltOf(body),
      stream: false,
      advance: finished,
    }),
  );
  runJobs(context, call, jobs);
}

function readInputs(body: Json): readonly (string | readonly number[])[] {
  const input = required(body, 'input');
  if (typeof input === 'string') return [input];
  if (isStrings(input) && input.length > 0) return input;
  if (isNumbers(input) && input.length > 0) return [input];
  throw new InvalidBodyError('string_type', 'input', 'Input should be a valid string');
}

/** A unit vector that the prompt alone decides. */
function embedding({ spec: { prompt } }: Job): number[] {
  const values = Array.from(
    { length: DIMENSIONS },
    (_, i) => hashTokens([...prompt.slice(-8), i, hashTokens(prompt)]) / 2 ** 31 - 1,
  );
  const norm = Math.hypot(...values);
  return values.map((value) => value / norm);
}
