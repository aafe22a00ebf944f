import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

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
/** Requests on one connection, of clients and to servers: new connections are part of a burst. */
const REQUESTS_PER_CONNECTION = 6;
const USAGE = '"prompt_tokens":500,"completion_tokens":16';
const CHAT = `{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"words"},"finish_reason":"stop"}],"usage":{${USAGE},"total_tokens":516,"prompt_tokens_details":{"cached_tokens":400}}}\n`;
const GENERATED = `{"text":"words","meta_info":{"id":"g",${USAGE},"cached_tokens":400,"finish_reason":{"type":"stop"}}}\n`;
const EVENT =
  'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"word "},"finish_reason":null}]}\n\n';
const ANSWER_END = Buffer.from('}\n');
const STREAM_END = Buffer.from('0\r\n\r\n');

let requests = 0;

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** Acts as one client: sends requests one after another until `next` has none. */
export async function sendMadeUp(url: string, next: () => Promise<MadeUpKind | undefined>): Promise<void> {
  const { hostname, port } = new URL(url);
  let goesOn = true;
  while (goesOn) goesOn = await sendOver(connect(Number(port), hostname), next);
}

/** Sends a few over one connection; resolves with whether more are to come. */
async function sendOver(socket: Socket, next: () => Promise<MadeUpKind | undefined>): Promise<boolean> {
  let end = ANSWER_END;
  let answered: () => void = () => {};
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  socket.on('error', () => {});
  socket.on('data', (bytes) => {
    if (bytes.subarray(-end.length).equals(end)) answered();
  });
  for (let sent = 0; sent < REQUESTS_PER_CONNECTION; sent++) {
    const kind = await next();
    if (!kind || socket.destroyed) return false;
    end = kind.streams ? STREAM_END : ANSWER_END;
    const whole = new Promise<void>((resolve) => {
      answered = resolve;
    });
    socket.write(requestOf(kind), 'latin1');
    await Promise.race([whole, closed]);
  }
  socket.destroy();
  return true;
}

/** Acts as one server: answers each request at once, and streams one chunk per turn of the event loop. */
export function answerMadeUp(socket: Socket): void {
  let text = '';
  let left = REQUESTS_PER_CONNECTION;
  socket.on('error', () => {});
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1');
    if (!isWhole(text)) return;
    const isLast = --left === 0;
    if (text.includes('"stream":true')) void stream(socket, isLast);
    else socket.write(reply(isLast, answerTo(text)), () => isLast && socket.end());
    text = '';
  });
}

/** Answers health checks with an empty object. */
function answerTo(request: string): string {
  if (request.startsWith('GET')) return '{}';
  return request.startsWith('POST /generate') ? GENERATED : CHAT;
}

function isWhole(request: string): boolean {
  const headEnd = request.indexOf('\r\n\r\n');
  const length = /\r\ncontent-length: *(\d+)/i.exec(request.slice(0, headEnd))?.[1] ?? '0';
  return headEnd > 0 && request.length >= headEnd + 4 + Number(length);
}

function reply(isLast: boolean, body: string): string {
  return `${headOf(isLast)}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

function headOf(isLast: boolean): string {
  return `HTTP/1.1 200 OK\r\n${isLast ? 'connection: close\r\n' : ''}`;
}

async function stream(socket: Socket, isLast: boolean): Promise<void> {
  socket.write(`${headOf(isLast)}content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n`);
  const event = `${EVENT.length.toString(16)}\r\n${EVENT}\r\n`;
  for (let chunk = 0; chunk < CHUNKS; chunk++) {
    socket.write(event);
    await nextTurn();
  }
  socket.write(STREAM_END, () => isLast && socket.end());
}

function requestOf({ path, streams: stream }: MadeUpKind): string {
  const text = prompt(requests++);
  const asked =
    path === '/generate'
      ? { text, sampling_params: { max_new_tokens: 16 }, stream }
      : { model: 'm', messages: [{ role: 'user', content: text }], stream };
  const body = JSON.stringify(asked);
  return `POST ${path} HTTP/1.1\r\nhost: router\r\nuser-agent: warm-up\r\naccept-encoding: gzip\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

/** Makes a prompt that begins like every fiftieth. */
function prompt(number: number): string {
  const prefix = number % PREFIXES;
  return `${words(prefix, PREFIX_CHARS)}${words(PREFIXES + number, PROMPT_CHARS - PREFIX_CHARS)}`;
}

function words(seed: number, chars: number): string {
  let text = `${seed} `;
  for (let n = 0; text.length < chars; n++) text += `${WORDS[(seed + n * n) % WORDS.length]} `;
  return text;
}
