import { Answer } from '../../src/sim/answer.ts';
import { promptTokens } from '../../src/sim/api/jobs.ts';
import { chatTokens } from '../../src/sim/chat-template.ts';

/** A request, and the one right answer to it. */
export interface Question {
  readonly path: string;
  readonly body: Buffer;
  readonly stream: boolean;
  /** Text of the whole answer. */
  readonly text: string;
}

/** A question to a simulated engine, whose answer prompt and seed decide. */
export function question(
  prompt: string,
  outputTokens: number,
  kind: { readonly chat: boolean; readonly stream: boolean },
): Question {
  const { chat, stream } = kind;
  const messages = [{ role: 'user', content: prompt }];
  const body = chat
    ? { model: 'sim', messages, max_tokens: outputTokens, stream }
    : { text: prompt, sampling_params: { max_new_tokens: outputTokens }, stream };
  return {
    path: chat ? '/v1/chat/completions' : '/generate',
    body: Buffer.from(JSON.stringify(body)),
    stream,
    text: textOf(chat ? chatTokens(messages, undefined) : promptTokens(prompt), outputTokens),
  };
}

function textOf(prompt: readonly number[], outputTokens: number): string {
  const limits = { maxTokens: outputTokens, meanTokens: 0, roomTokens: Number.POSITIVE_INFINITY, stop: [] };
  const answer = new Answer(prompt, 0, limits);
  for (let i = 0; i < answer.length; i++) answer.next();
  return answer.text;
}

const TOPICS = ['tides', 'bridges', 'bread', 'glaciers', 'maps', 'violins', 'harbours', 'clocks'];

/** The questions of a crowd: a few shared beginnings, each with an end of its own, streamed and not, of two APIs. */
export function someQuestion(number: number, outputTokens: number): Question {
  const topic = TOPICS[number % TOPICS.length];
  const prompt = `${`All that is known of ${topic}. `.repeat(20)}Question ${number}: what comes next?`;
  return question(prompt, outputTokens, { chat: number % 4 < 2, stream: number % 2 === 0 });
}
