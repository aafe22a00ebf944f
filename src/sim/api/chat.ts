import { type ChatMessage, chatTokens } from '../chat-template.ts';
import type { Job } from '../job.ts';
import type { ApiCall } from './api-call.ts';
import { type Json, optionalInteger, parseBody, required } from './body.ts';
import { type Answerer, answerWhole, type Choices, choicesOf, eventHeads, runChoices } from './choices.ts';
import type { SimContext } from './context.ts';
import { BadRequestError, InvalidBodyError } from './errors.ts';
import { DONE, EventStream } from './event-stream.ts';
import { failureEvent, failureOf } from './failures.ts';
import { chatLogprobs } from './logprobs.ts';
import { finishFields, readStream, type StreamOptions, usage } from './openai.ts';

/** POST /v1/chat/completions. */
export function chatCompletions(context: SimContext, call: ApiCall): void {
  const body = parseBody(call.body);
  const prompt = chatTokens(readMessages(body), body.tools);
  const stream = readStream(body);
  const choices = choicesOf(context, call, body, 1, false);
  const maxTokens = optionalInteger(body, 'max_completion_tokens') ?? optionalInteger(body, 'max_tokens');
  runChoices(choices, () => prompt, maxTokens, stream ? streamChat(choices, stream) : wholeChat(choices));
}

/** The messages of a body. Throws InvalidBodyError or, for an empty list, BadRequestError. */
export function readMessages(body: Json): readonly ChatMessage[] {
  const messages = required(body, 'messages');
  if (!Array.isArray(messages)) throw new InvalidBodyError('list_type', 'messages', 'Input should be a valid list');
  if (messages.length === 0) throw new BadRequestError('Messages cannot be empty.');
  return messages.map((message) => (typeof message === 'object' && message !== null ? message : { content: message }));
}

function streamChat(choices: Choices, stream: StreamOptions): Answerer {
  const { context, call, body, ids } = choices;
  const events = new EventStream(call.response);
  const heads = eventHeads(choices, 'chat.completion.chunk');
  const over: Job[] = [];
  return (job, text, index) => {
    const head = heads[index] as string;
    const delta = `${head}{"index":${index},"delta":{"reasoning_content":null`;
    const counted = stream.usageOnEach ? `,"usage":${usage(context, [job])}` : '';
    const open = '"finish_reason":null,"matched_stop":null}]';
    const failure = failureOf(job);
    let out = failure ? failureEvent(failure) : '';
    if (job.outputTokens <= 1 && !failure)
      out += `${delta},"role":"assistant","content":""},"logprobs":null,${open}}\n\n`;
    if (text !== '')
      out += `${delta},"content":"${text}"},"logprobs":${lastLogprobs(body, job)},${open}${counted}}\n\n`;
    if (job.finish) {
      over.push(job);
      if (!failure) out += `${delta}},"logprobs":null,${finishFields(job.finish)}}]}\n\n`;
    }
    if (over.length < ids.length) {
      events.write(out);
      return;
    }
    if (stream.usageAtEnd) out += `${heads[0]}],"usage":${usage(context, over)}}\n\n`;
    events.end(out + DONE);
  };
}

function lastLogprobs(body: Json, job: Job): string {
  return body.logprobs === true ? JSON.stringify(chatLogprobs(job.spec.answer.ids.slice(-1), body)) : 'null';
}

function wholeChat(choices: Choices): Answerer {
  const { body } = choices;
  return answerWhole(choices, 'chat.completion', ({ spec: { answer } }) => ({
    message: { role: 'assistant', content: answer.text, reasoning_content: null },
    logprobs: body.logprobs === true ? chatLogprobs(answer.ids, body) : null,
  }));
}
