import type { Finish } from '../answer.ts';
import type { Job } from '../job.ts';
import { tokenText } from '../tokens.ts';
import { isNumbers, type Json, optionalInteger } from './body.ts';
import type { SimContext } from './context.ts';

/** What a particular `meta_info` must carry. */
interface MetaOptions {
  /** The first word to the client about this job. */
  readonly first: boolean;
  readonly logprobs: LogprobOptions | undefined;
}

/** Which log probabilities an answer carries. */
export interface LogprobOptions {
  /** First prompt token to have one; -1: none. */
  readonly start: number;
  /** How many of the best tokens at each place; 0: not asked for. */
  readonly top: number;
  /** Tokens asked for at each place; empty: none. */
  readonly tokenIds: readonly number[];
  readonly withText: boolean;
  /** The prompt was computed elsewhere: nothing is known of its tokens, and of the first token only its own. */
  readonly promptless: boolean;
}

/** Undefined where none are asked for. */
export function readLogprobs({ options }: SimContext, body: Json): LogprobOptions | undefined {
  if (body.return_logprob !== true) return undefined;
  return {
    start: optionalInteger(body, 'logprob_start_len') ?? -1,
    top: optionalInteger(body, 'top_logprobs_num') ?? 0,
    tokenIds: isNumbers(body.token_ids_logprob) ? body.token_ids_logprob : [],
    withText: body.return_text_in_logprobs === true,
    promptless: options.disaggregationMode === 'decode',
  };
}

/** `meta_info` of /generate as JSON, keys in SGLang's order. Put together by hand: a stream needs it for every token. */
export function metaInfo({ clock, options }: SimContext, job: Job, { first, logprobs }: MetaOptions): string {
  const { finish, cachedTokens, outputTokens } = job;
  const details = cachedTokens > 0 ? `{"device":${cachedTokens},"host":0}` : 'null';
  let json =
    `{"id":${JSON.stringify(job.id)},"finish_reason":${finish ? finishReason(finish) : 'null'},` +
    `"prompt_tokens":${job.promptTokens},"weight_version":"default","num_retractions":0,`;
  if (logprobs) json += logprobLists(job, logprobs);
  json += `"reasoning_tokens":0,"completion_tokens":${outputTokens},"cached_tokens":${cachedTokens},`;
  if (finish) json += `"weight_versions":[{"version":"default","start":0,"end":${outputTokens}}],`;
  json += `"cached_tokens_details":${details},"dp_rank":${options.dpSize > 1 ? job.spec.rank : 'null'}`;
  if (finish) json += `,"e2e_latency":${(clock.now() - job.arrivedMs) / 1000}`;
  if (first) json += `,"response_sent_to_client_ts":${clock.epochMs() / 1000}`;
  return `${json}}`;
}

function finishReason(finish: Finish): string {
  if (finish.type !== 'abort') return JSON.stringify(finish);
  const { type, message, status = null } = finish;
  return JSON.stringify({ type, message, status_code: status, err_type: null });
}

function logprobLists({ spec: { prompt, answer } }: Job, options: LogprobOptions): string {
  const { start, top, tokenIds, withText, promptless } = options;
  const inputs = start < 0 || promptless ? [] : [...prompt.slice(start)];
  const triple = (id: number) => `[${logprob(id)},${id},${withText ? JSON.stringify(tokenText(id)) : 'null'}]`;
  const best = (id: number) => `[${Array.from({ length: top }, (_, i) => triple(id + i)).join()}]`;
  const asked = `[${tokenIds.map(triple).join()}]`;
  // Nothing comes before the first token that could make it likely.
  const own = inputs.map((id, i) => (i === 0 ? `[null,${triple(id).split(',').slice(1).join()}` : triple(id)));
  const ofInput = (each: (id: number) => string) => inputs.map((id, i) => (i === 0 ? 'null' : each(id))).join();
  const outputs = answer.ids;
  let json =
    `"input_token_logprobs":[${own.join()}],"output_token_logprobs":[${outputs.map(triple).join()}],` +
    `"output_token_logprobs_length":${outputs.length},`;
  if (top > 0) json += `"input_top_logprobs":[${ofInput(best)}],"output_top_logprobs":[${outputs.map(best).join()}],`;
  if (tokenIds.length === 0) return json;
  const askedOfOutput = outputs.map((_, i) => (promptless && i === 0 ? 'null' : asked));
  return `${json}"input_token_ids_logprobs":[${ofInput(() => asked)}],"output_token_ids_logprobs":[${askedOfOutput.join()}],`;
}

/** A made-up log probability, the same for a token each time, between -4 and 0. */
export function logprob(id: number): number {
  return -((Math.imul(id, 0x9e3779b1) >>> 0) / 2 ** 30);
}
