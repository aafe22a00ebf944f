import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** A chat, a chat that streams, or a completion by `/generate`. */
export type MadeUpKind = 'chat' | 'stream' | 'generate';

const WORDS = ['each', 'router', 'sends', 'prompts', 'where', 'their', 'prefix', 'is', 'in', 'cache'];
const PREFIXES = 50;
const PREFIX_CHARS = 1_600;
const PROMPT_CHARS = 2_000;
const CHUNKS = 64;
const USAGE = '"prompt_tokens":500,"completion_tokens":16';
const CHAT = `{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"words"},"finish_reason":"stop"}],"usage":{${USAGE},"total_tokens":516,"prompt_tokens_details":{"cached_tokens":400}}}\n`;
const GENERATED = `{"text":"words","meta_info":{"id":"g",${USAGE},"cached_tokens":400,"finish_reason":{"type":"stop"}}}\n`;
const EVENT =
  'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"word "},"finish_reason":null}]}\n\n';
const STREAM_HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const ANSWER_END = Buffer.from('}\n');
const STREAM_END = Buffer.from('0\r\n\r\n');

let requests = 0;

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** One client: sends what `next` says over one connection, each when the one before is answered, until that says nothing. */
export async function sendMadeUp(url: string, next: () => Promise<MadeUpKind | undefined>): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let end = ANSWER_END;
  let answered: () => void = () => {};
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  socket.on('error', () => {});
  socket.on('data', (bytes) => {
    if (bytes.subarray(-end.length).equals(end)) answered();
  });
  for (let kind = await next(); kind && !socket.destroyed; kind = await next()) {
    end = kind === 'stream' ? STREAM_END : ANSWER_END;
    const whole = new Promise<void>((resolve) => {
      answered = resolve;
    });
    socket.write(requestOf(kind), 'latin1');
    await Promise.race([whole, closed]);
  }
  socket.destroy();
}

/** The server: answers each request of a connection at once, a stream a chunk a turn of the event loop. */
export function answerMadeUp(socket: Socket): void {
  let text = '';
  socket.on('error', () => {});
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1');
    if (!isWhole(text)) return;
    if (text.endsWith('"stream":true}')) void stream(socket);
    else socket.write(reply(answerTo(text)));
    text = '';
  });
}

/** Whoever looks whether the server is well gets an empty object. */
function answerTo(request: string): string {
  if (request.startsWith('GET')) return '{}';
  return request.startsWith('POST /generate') ? GENERATED : CHAT;
}

function isWhole(request: string): boolean {
  const headEnd = request.indexOf('\r\n\r\n');
  const length = /\r\ncontent-length: *(\d+)/i.exec(request.slice(0, headEnd))?.[1] ?? '0';
  return headEnd > 0 && request.length >= headEnd + 4 + Number(length);
}

function reply(body: string): string {
  return `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

async function stream(socket: Socket): Promise<void> {
  socket.write(STREAM_HEAD);
  const event = `${EVENT.length.toString(16)}\r\n${EVENT}\r\n`;
  for (let chunk = 0; chunk < CHUNKS; chunk++) {
    socket.write(event);
    await nextTurn();
  }
  socket.write(STREAM_END);
}

function requestOf(kind: MadeUpKind): string {
  const path = kind === 'generate' ? '/generate' : '/v1/chat/completions';
  const body = bodyOf(kind, prompt(requests++));
  return `POST ${path} HTTP/1.1\r\nhost: router\r\nuser-agent: warm-up\r\naccept-encoding: gzip\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

function bodyOf(kind: MadeUpKind, text: string): string {
  if (kind === 'generate') return JSON.stringify({ text, sampling_params: { max_new_tokens: 16 } });
  return JSON.stringify({ model: 'm', messages: [{ role: 'user', content: text }], stream: kind === 'stream' });
}

/** Begins as every fiftieth does. */
function prompt(number: number): string {
  const prefix = number % PREFIXES;
  return `${words(prefix, PREFIX_CHARS)}${words(PREFIXES + number, PROMPT_CHARS - PREFIX_CHARS)}`;
}

function words(seed: number, chars: number): string {
  let text = `${seed} `;
  for (let n = 0; text.length < chars; n++) text += `${WORDS[(seed + n * n) % WORDS.length]} `;
  return text;
}
