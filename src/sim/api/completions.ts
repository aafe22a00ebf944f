import type { Job } from '../job.ts';
import { tokenText } from '../tokens.ts';
import type { ApiCall } from './api-call.ts';
import { isNumbers, isStrings, type Json, optionalInteger, parseBody, required } from './body.ts';
import { type Answerer, answerWhole, type Choices, choicesOf, eventHeads, inOrder, runChoices } from './choices.ts';
import type { SimContext } from './context.ts';
import { InvalidBodyError } from './errors.ts';
import { DONE, EventStream } from './event-stream.ts';
import { failureEvent, failureOf } from './failures.ts';
import { promptTokens } from './jobs.ts';
import { completionLogprobs } from './logprobs.ts';
import { finishFields, readStream, type StreamOptions, usage } from './openai.ts';

/** As OpenAI has it: a completion without a limit is short. */
const DEFAULT_MAX_TOKENS = 16;

type Prompt = string | readonly number[];

/** POST /v1/completions. */
export function completions(context: SimContext, call: ApiCall): void {
  const body = parseBody(call.body);
  const { prompts, isBatch } = readPrompts(body);
  const maxTokens = optionalInteger(body, 'max_tokens') ?? DEFAULT_MAX_TOKENS;
  if (maxTokens < 0)
    throw new InvalidBodyError('value_error', 'max_tokens', 'Value error, max_tokens must be positive');
  const stream = readStream(body);
  const choices = choicesOf(context, call, body, prompts.length, isBatch);
  const promptOf = (index: number) => prompts[Math.floor(index / choices.copies)] as Prompt;
  const echoes = body.echo === true;
  const plan: Plan = {
    ...choices,
    echo: (index) => (echoes ? echoOf(promptOf(index)) : ''),
    echoesLogprobs: echoes && context.options.disaggregationMode !== 'decode',
  };
  const answer = stream ? streamCompletion(plan, stream) : wholeCompletion(plan);
  runChoices(choices, (index) => promptTokens(promptOf(index)), maxTokens, answer);
}

interface Plan extends Choices {
  /** What stands before the text of a choice. */
  readonly echo: (index: number) => string;
  /** The echo has its logprobs too; a decode server does not know them. */
  readonly echoesLogprobs: boolean;
}

function streamCompletion(plan: Plan, stream: StreamOptions): Answerer {
  const { context, call, body, ids, prompts, echo, echoesLogprobs } = plan;
  const events = new EventStream(call.response);
  const heads = eventHeads(plan, 'text_completion');
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

function wholeCompletion(plan: Plan): Answerer {
  const { body, echo, echoesLogprobs } = plan;
  return answerWhole(plan, 'text_completion', ({ spec: { answer, prompt } }, index) => ({
    text: echo(index) + answer.text,
    logprobs: body.logprobs ? completionLogprobs(answer.ids, echoesLogprobs ? prompt : []) : null,
  }));
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
