import type { Finish } from '../answer.ts';
import type { Job } from '../job.ts';
import { type Json, optionalObject } from './body.ts';
import type { SimContext } from './context.ts';

/** How a stream reports what was used. */
export interface StreamOptions {
  readonly usageAtEnd: boolean;
  readonly usageOnEach: boolean;
}

/** What the body says of streaming; undefined where it wants none. */
export function readStream(body: Json): StreamOptions | undefined {
  if (body.stream !== true) return undefined;
  const options = optionalObject(body, 'stream_options');
  return {
    usageAtEnd: options.include_usage === true,
    usageOnEach: options.continuous_usage_stats === true,
  };
}

/** `finish_reason` and `matched_stop` as the inside of a JSON object. */
export function finishFields(finish: Finish): string {
  const matched = finish.type === 'stop' ? JSON.stringify(finish.matched) : 'null';
  return `"finish_reason":"${finish.type}","matched_stop":${matched}`;
}

/** The usage of all choices as a JSON object; a prompt with several answers counts once. */
export function usage(context: SimContext, jobs: readonly Job[], prompts = 1): string {
  const perPrompt = Math.max(1, jobs.length / prompts);
  let prompt = 0;
  let completion = 0;
  let cached = 0;
  jobs.forEach((job, i) => {
    completion += job.outputTokens;
    if (i % perPrompt !== 0) return;
    prompt += job.promptTokens;
    cached += job.cachedTokens;
  });
  const details = context.options.enableCacheReport ? `{"cached_tokens":${cached}}` : 'null';
  return (
    `{"prompt_tokens":${prompt},"total_tokens":${prompt + completion},"completion_tokens":${completion},` +
    `"prompt_tokens_details":${details},"reasoning_tokens":0,"completion_tokens_details":null}`
  );
}

/** The `metadata` of a whole answer. */
export function metadata(jobs: readonly Job[]): unknown {
  const end = jobs[0]?.outputTokens ?? 0;
  return { weight_version: 'default', weight_versions: [{ version: 'default', start: 0, end }] };
}
