import { type Agent, type IncomingMessage, request } from 'node:http';
import type { Question } from './question.ts';

/**
 * What came of a question.
 * - `right`: the whole answer, as it must be
 * - `terminated`: part of a stream, ended by an error event of its API
 * - `cut`: part of an answer, then the connection broke
 * - `wrong`: anything that looks whole and is not the answer
 * - `refused`: another status than 200
 * - `unreachable`: no answer at all
 */
export type Outcome = 'right' | 'terminated' | 'cut' | 'wrong' | 'refused' | 'unreachable';

export interface Reply {
  readonly outcome: Outcome;
  readonly stream: boolean;
  /** Who served it; undefined where the router answered itself. */
  readonly worker: string | undefined;
  readonly sentMs: number;
  readonly endMs: number;
  /** What was seen, in a few words, where it is not right. */
  readonly detail: string;
}

/** A reply, and whether the question had to be sent again because the router had closed an idle connection: any HTTP client does that. */
export interface AskedReply extends Reply {
  readonly sentAgain: boolean;
}

export interface AskOptions {
  readonly agent: Agent;
  readonly timeoutMs: number;
}

/** Asks; resolves with what came of it, never rejects. */
export async function ask(url: string, question: Question, options: AskOptions): Promise<AskedReply> {
  const { reply, stale } = await send(url, question, options);
  return stale ? { ...(await send(url, question, options)).reply, sentAgain: true } : { ...reply, sentAgain: false };
}

function send(
  url: string,
  question: Question,
  { agent, timeoutMs }: AskOptions,
): Promise<{ readonly reply: Reply; readonly stale: boolean }> {
  const sentMs = performance.now();
  return new Promise((resolve) => {
    let response: IncomingMessage | undefined;
    const chunks: Buffer[] = [];
    let over = false;
    const end = (failure?: string) => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      const worker = response?.headers['x-sglang-router-worker'];
      const judged = judge(question, response?.statusCode, Buffer.concat(chunks).toString(), failure);
      const reply = { ...judged, stream: question.stream, worker: worker as string, sentMs, endMs: performance.now() };
      resolve({ reply, stale: sent.reusedSocket && response === undefined && failure === 'ECONNRESET' });
    };
    const headers = { 'content-type': 'application/json', 'content-length': question.body.length };
    const sent = request(url + question.path, { method: 'POST', agent, headers });
    const timer = setTimeout(() => {
      end(`nothing for ${timeoutMs} ms`);
      sent.destroy();
    }, timeoutMs);
    sent.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    sent.on('response', (got) => {
      response = got;
      got.on('data', (chunk: Buffer) => chunks.push(chunk));
      got.on('end', () => end());
      got.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    });
    sent.end(question.body);
  });
}

type Judged = Pick<Reply, 'outcome' | 'detail'>;

function judge(question: Question, status: number | undefined, body: string, failure: string | undefined): Judged {
  if (status === undefined) return { outcome: 'unreachable', detail: failure ?? 'no answer' };
  if (status !== 200) return { outcome: 'refused', detail: `${status} ${failure ?? ''} ${body.slice(0, 300)}` };
  const { text, complete, error } = question.stream ? readStream(body) : readWhole(body, failure);
  const detail = `${failure ?? ''} ${error ?? ''} … ${body.slice(-200)}`;
  if (!question.text.startsWith(text)) return { outcome: 'wrong', detail: `expected ${question.text}, got ${text}` };
  if (failure !== undefined) return { outcome: 'cut', detail };
  if (error !== undefined) return { outcome: complete ? 'wrong' : 'terminated', detail };
  return complete && text === question.text ? { outcome: 'right', detail: '' } : { outcome: 'wrong', detail };
}

interface Reading {
  readonly text: string;
  /** It says that it is whole. */
  readonly complete: boolean;
  readonly error: string | undefined;
}

function readWhole(body: string, failure: string | undefined): Reading {
  if (failure !== undefined) return { text: '', complete: false, error: undefined };
  try {
    const answer = JSON.parse(body);
    return { text: answer.text ?? answer.choices[0].message.content, complete: true, error: undefined };
  } catch {
    return { text: body, complete: true, error: undefined };
  }
}

function readStream(body: string): Reading {
  let text = '';
  let error: string | undefined;
  let complete = false;
  // What stands behind the last empty line is part of an event.
  for (const event of body.split('\n\n').slice(0, -1)) {
    if (event === 'data: [DONE]') complete = true;
    if (!event.startsWith('data: {')) continue;
    const data = JSON.parse(event.slice(6));
    if (data.error) error = JSON.stringify(data.error);
    else if (typeof data.text === 'string') text = data.text;
    else text += data.choices?.[0]?.delta?.content ?? '';
  }
  return { text, complete, error };
}
