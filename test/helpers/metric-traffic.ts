import type { Handler } from './fake-worker.ts';
import { fakeWorker } from './fake-worker.ts';

/** The same requests for whichever router, so that what they count can be compared. */
export interface Traffic {
  readonly name: string;
  /** Flags that ours and 0.3.2 both have, but for the ports. */
  readonly flags: (workers: readonly string[]) => readonly string[];
  /** Resolves when all answers are there. */
  readonly send: (router: string) => Promise<void>;
}

const USAGE = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 };
const STREAM = [{ choices: [{ delta: { content: 'a' } }] }, { choices: [] }, { choices: [], usage: USAGE }];

/** Answers well, and in events where asked to; `STATUS503` in a body asks for that status, `CUT` for none. */
const answer: Handler = (_, response, body) => {
  const text = String(body);
  if (text.includes('CUT')) return void response.destroy();
  const status = Number(/STATUS(\d+)/.exec(text)?.[1] ?? 200);
  if (status === 200 && /"stream": ?true/.test(text)) {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const event of STREAM) response.write(`data: ${JSON.stringify(event)}\n\n`);
    response.end('data: [DONE]\n\n');
    return;
  }
  response.writeHead(status, { 'content-type': 'application/json' });
  const good = { text: 'a', choices: [{ index: 0, text: 'a', message: { role: 'assistant', content: 'a' } }] };
  const said = status === 200 ? { ...good, usage: USAGE, meta_info: USAGE } : { error: { message: 'as asked' } };
  response.end(JSON.stringify(said));
};

/** A worker for such traffic. */
export const trafficWorker = () =>
  fakeWorker(answer, 0, {
    '/server_info': JSON.stringify({ model_path: '/m', served_model_name: 'tiny', dp_size: 1, context_length: 8192 }),
    '/model_info': JSON.stringify({ model_path: '/m' }),
  });

async function post(url: string, body: object, headers: Readonly<Record<string, string>> = {}): Promise<void> {
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  };
  await (await fetch(url, init)).text();
}

async function send(router: string): Promise<void> {
  const messages = [{ role: 'user', content: 'the same words' }];
  for (const stream of [false, true, true])
    await post(`${router}/v1/chat/completions`, { model: 'tiny', messages, stream });
  await post(`${router}/v1/completions`, { model: 'tiny', prompt: 'the same words' });
  for (const key of ['one', 'one', 'two'])
    await post(`${router}/generate`, { text: 'a' }, { 'x-smg-routing-key': key });
  for (const path of ['/workers', '/health']) await (await fetch(router + path)).text();
  for (const text of ['STATUS400', 'STATUS404', 'STATUS500', 'STATUS503', 'STATUS503']) {
    await post(`${router}/generate`, { text });
  }
  // Enough to open a circuit breaker.
  for (let i = 0; i < 6; i++) await post(`${router}/generate`, { text: 'CUT' });
}

const COMMON = [
  ...['--retry-max-retries', '3', '--retry-initial-backoff-ms', '1', '--cb-failure-threshold', '4'],
  ...['--health-check-interval-secs', '1'],
];

export const TRAFFIC: readonly Traffic[] = [
  {
    name: 'two workers, with limits',
    flags: (workers) => [...COMMON, '--max-concurrent-requests', '8', '--worker-urls', ...workers],
    send,
  },
  { name: 'policy manual', flags: (workers) => [...COMMON, '--policy', 'manual', '--worker-urls', ...workers], send },
  {
    name: 'prefill and decode',
    flags: ([prefill = '', decode = '']) => [
      ...[...COMMON, '--pd-disaggregation'],
      ...['--prefill', prefill, '9001', '--decode', decode],
    ],
    send,
  },
];
