/** Which endpoint a made-up request is for, and whether its answer is streamed. */
export interface MadeUpKind {
  readonly path: '/v1/chat/completions' | '/generate';
  readonly streams: boolean;
}

const WORDS = ['each', 'router', 'sends', 'prompts', 'where', 'their', 'prefix', 'is', 'in', 'cache'];
const PREFIXES = 50;
const PREFIX_CHARS = 1_600;
const PROMPT_CHARS = 2_000;
const CHUNKS = 32;

/**
 * The headers of six clients. Code that has seen four sets at most is compiled for just those, and thrown away when the next
 * client sends another.
 */
const CLIENTS = [
  'host: router\r\nuser-agent: warm-up\r\naccept-encoding: gzip\r\ncontent-type: application/json\r\n',
  'Host: router\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate\r\nUser-Agent: aiohttp\r\nContent-Type: application/json\r\n',
  'Host: router\r\nAccept-Encoding: gzip\r\nConnection: keep-alive\r\nAccept: application/json\r\nContent-Type: application/json\r\nUser-Agent: openai\r\nAuthorization: Bearer none\r\nX-Stainless-Async: false\r\n',
  'Host: router\r\nUser-Agent: curl\r\nAccept: */*\r\nContent-Type: application/json\r\n',
  'host: router\r\nconnection: keep-alive\r\ncontent-type: application/json\r\naccept: */*\r\naccept-language: *\r\nsec-fetch-mode: cors\r\nuser-agent: node\r\n',
  'Host: router\r\nUser-Agent: requests\r\nAccept-Encoding: gzip\r\nAccept: */*\r\nConnection: keep-alive\r\nX-Request-Id: 1\r\nContent-Type: application/json\r\n',
] as const;

/** What six servers say beside the content's type. */
const SERVERS = [
  '',
  'date: Thu, 01 Jan 2026 00:00:00 GMT\r\nserver: uvicorn\r\n',
  'Server: warm-up\r\n',
  'server: uvicorn\r\nx-request-id: 1\r\n',
  'Date: Thu, 01 Jan 2026 00:00:00 GMT\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n',
  'cache-control: no-cache\r\nvary: origin\r\nserver: proxy\r\n',
] as const;

/** The answer to every GET: what a server tells of its model and its cache. */
const FACTS = '{"max_total_num_tokens":524288,"model_path":"m","data":[{"id":"m"}]}';
const USAGE = '"prompt_tokens":500,"completion_tokens":16';
const CHAT = `{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"words"},"finish_reason":"stop"}],"usage":{${USAGE},"total_tokens":516,"prompt_tokens_details":{"cached_tokens":400}}}\n`;
const GENERATED = `{"text":"words","meta_info":{"id":"g",${USAGE},"cached_tokens":400,"finish_reason":{"type":"stop"}}}\n`;
const CHAT_EVENT =
  'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"word "},"finish_reason":null}]}\n\n';
const GENERATED_EVENT = `data: ${GENERATED}\n`;

/** The last bytes of an answer that is not streamed, and of one that is. */
export const ANSWER_END = Buffer.from('}\n');
export const STREAM_END = Buffer.from('0\r\n\r\n');

/** The `number`th request. */
export function requestOf({ path, streams: stream }: MadeUpKind, number: number): string {
  const text = promptOf(number);
  const asked =
    path === '/generate'
      ? { text, sampling_params: { max_new_tokens: 16 }, stream, lora_path: null, logprob_start_len: -1 }
      : { model: 'm', messages: [{ role: 'user', content: text }], stream, temperature: 0.5, tools: null };
  const body = JSON.stringify(asked, undefined, number % 2);
  return `POST ${path} HTTP/1.1\r\n${CLIENTS[number % CLIENTS.length]}content-length: ${body.length}\r\n\r\n${body}`;
}

/** A whole answer; `number` picks its headers, and the last one on a connection says that it closes. */
export function answerTo(request: string, number: number, isLast: boolean): string {
  const body = request.startsWith('GET') ? FACTS : request.startsWith('POST /generate') ? GENERATED : CHAT;
  return `${headOf(number, isLast)}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

/** The same as a stream: its head, its chunks and its end. */
export function streamTo(request: string, number: number, isLast: boolean): readonly (string | Buffer)[] {
  const head = `${headOf(number, isLast)}content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n`;
  const event = request.startsWith('POST /generate') ? GENERATED_EVENT : CHAT_EVENT;
  const chunk = `${event.length.toString(16)}\r\n${event}\r\n`;
  return [head, ...new Array<string>(CHUNKS).fill(chunk), STREAM_END];
}

function headOf(number: number, isLast: boolean): string {
  return `HTTP/1.1 200 OK\r\n${SERVERS[number % SERVERS.length]}${isLast ? 'connection: close\r\n' : ''}`;
}

/** Begins as every fiftieth does. */
function promptOf(number: number): string {
  const prefix = number % PREFIXES;
  return `${words(prefix, PREFIX_CHARS)}${words(PREFIXES + number, PROMPT_CHARS - PREFIX_CHARS)}`;
}

function words(seed: number, chars: number): string {
  let text = `${seed} `;
  for (let n = 0; text.length < chars; n++) text += `${WORDS[(seed + n * n) % WORDS.length]} `;
  return text;
}
