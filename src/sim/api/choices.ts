import type { Job } from '../job.ts';
import { type ApiCall, sendJson } from './api-call.ts';
import { type Json, optionalInteger, optionalStrings } from './body.ts';
import { createdSecs, type SimContext } from './context.ts';
import { createJob, runJobs, saltOf } from './jobs.ts';
import { finishFields, metadata, usage } from './openai.ts';
import { findPlaces, type Place } from './places.ts';

/** The choices of an answer in OpenAI's form: `copies` for each prompt. */
export interface Choices {
  readonly context: SimContext;
  readonly call: ApiCall;
  readonly body: Json;
  readonly prompts: number;
  readonly copies: number;
  /** One for each choice, as the places. */
  readonly ids: readonly string[];
  readonly places: readonly Place[];
}

/** Takes each step of a choice's job, with the text that is new. */
export type Answerer = (job: Job, text: string, index: number) => void;

export function choicesOf(context: SimContext, call: ApiCall, body: Json, prompts: number, isBatch: boolean): Choices {
  const copies = Math.max(1, optionalInteger(body, 'n') ?? 1);
  const places = findPlaces(context, call, body, { prompts, copies, isBatch });
  // The client may name the first.
  const idOf = (i: number) => (i === 0 && typeof body.rid === 'string' ? body.rid : context.newId());
  const ids = Array.from({ length: prompts * copies }, (_, i) => idOf(i));
  return { context, call, body, prompts, copies, ids, places };
}

/** Runs a job for each choice. */
export function runChoices(
  { context, call, body, copies, ids, places }: Choices,
  promptOf: (index: number) => readonly number[],
  maxTokens: number | undefined,
  answer: Answerer,
): void {
  const jobs = ids.map((id, index) =>
    createJob(context, {
      call,
      place: places[index] as Place,
      id,
      prompt: promptOf(index),
      maxTokens,
      stop: optionalStrings(body, 'stop'),
      seed: (optionalInteger(body, 'seed') ?? 0) + (index % copies),
      salt: saltOf(body),
      stream: body.stream === true,
      advance: (job, text) => answer(job, text, index),
    }),
  );
  runJobs(context, call, jobs);
}

/** How the events of each choice begin. */
export function eventHeads({ context, body, ids }: Choices, object: string): readonly string[] {
  const created = createdSecs(context);
  const rest = `"object":"${object}","created":${created},"model":${JSON.stringify(body.model ?? 'default')},"choices":[`;
  return ids.map((id) => `data: {"id":${JSON.stringify(id)},${rest}`);
}

/** Answers once the jobs of all choices are over. */
export function answerWhole(choices: Choices, object: string, fieldsOf: (job: Job, index: number) => Json): Answerer {
  const { context, call, body, prompts, ids } = choices;
  const created = createdSecs(context);
  const over: Job[] = [];
  return (job) => {
    if (!job.finish) return;
    over.push(job);
    if (over.length < ids.length) return;
    const jobs = inOrder(over, ids);
    sendJson(call.response, 200, {
      id: ids[0],
      object,
      created,
      model: body.model ?? 'default',
      choices: jobs.map((each, index) => ({
        index,
        ...fieldsOf(each, index),
        ...(each.finish ? JSON.parse(`{${finishFields(each.finish)}}`) : {}),
      })),
      usage: JSON.parse(usage(context, jobs, prompts)),
      metadata: metadata(jobs),
    });
  };
}

export function inOrder(jobs: readonly Job[], ids: readonly string[]): Job[] {
  return jobs.toSorted((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id));
}
