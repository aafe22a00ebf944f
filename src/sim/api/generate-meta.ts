import type { Finish } from '../answer.ts';
import type { Job } from '../job.ts';
import type { SimContext } from './context.ts';

/** What a particular `meta_info` must carry. */
export interface MetaOptions {
  /** The first word to the client about this job. */
  readonly first: boolean;
  readonly logprobs: boolean;
}

/** `meta_info` of /generate as JSON, keys in SGLang's order. Put together by hand: a stream needs it for every token. */
export function metaInfo({ clock }: SimContext, job: Job, { first, logprobs }: MetaOptions): string {
  const { finish, cachedTokens, outputTokens } = job;
  const details = cachedTokens > 0 ? `{"device":${cachedTokens},"host":0}` : 'null';
  let json =
    `{"id":${JSON.stringify(job.id)},"finish_reason":${finish ? finishReason(finish) : 'null'},` +
    `"prompt_tokens":${job.promptTokens},"weight_version":"default","num_retractions":0,`;
  if (logprobs) json += outputLogprobs(job);
  json += `"reasoning_tokens":0,"completion_tokens":${outputTokens},"cached_tokens":${cachedTokens},`;
  if (finish) json += `"weight_versions":[{"version":"default","start":0,"end":${outputTokens}}],`;
  json += `"cached_tokens_details":${details},"dp_rank":null`;
  if (finish) json += `,"e2e_latency":${(clock.now() - job.arrivedMs) / 1000}`;
  if (first) json += `,"response_sent_to_client_ts":${clock.epochMs() / 1000}`;
  return `${json}}`;
}

function finishReason(finish: Finish): string {
  return JSON.stringify(finish.type === 'abort' ? { ...finish, status_code: null, err_type: null } : finish);
}

function outputLogprobs({ spec: { answer } }: Job): string {
  const triples = answer.ids.map((id) => `[${logprob(id)},${id},null]`);
  return `"input_token_logprobs":[],"output_token_logprobs":[${triples.join()}],"output_token_logprobs_length":${triples.length},`;
}

/** A made-up log probability, the same for a token each time, between -4 and 0. */
export function logprob(id: number): number {
  return -((Math.imul(id, 0x9e3779b1) >>> 0) / 2 ** 30);
}
