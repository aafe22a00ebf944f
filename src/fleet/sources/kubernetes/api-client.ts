import { Agent, type ClientRequest, type IncomingMessage, request as plainRequest } from 'node:http';
import { Agent as SecureAgent, request as secureRequest } from 'node:https';
import type { Cluster } from './access.ts';

/** An error answer of the API server, from its Status object. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

type Query = Readonly<Record<string, string>>;

/** Most bytes of an event or of a page of a list; etcd keeps no object above 1.5 MB. */
const MAX_BYTES = 64 * 2 ** 20;
const MAX_LINE_BYTES = 8 * 2 ** 20;
const KEEP_ALIVE_MS = 15_000;
const NEWLINE = 0x0a;

/** GETs of the API server: a whole answer, or a stream of JSON lines. */
export class ApiClient {
  readonly #cluster: Cluster;
  readonly #agent: Agent;
  #refused = false;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    const secure = cluster.server.protocol === 'https:';
    const options = { keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS };
    this.#agent = secure ? new SecureAgent(options) : new Agent(options);
  }

  /** Resolves with the whole answer. Rejects with an ApiError, or the error of the connection. */
  async get(path: string, query: Query, timeoutMs: number, signal: AbortSignal): Promise<unknown> {
    const until = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    try {
      const response = await this.#open(path, query, until);
      return JSON.parse((await bodyOf(response)).toString());
    } catch (error) {
      throw signal.aborted || !until.aborted ? error : new Error(`no answer within ${timeoutMs / 1000} s`);
    }
  }

  /** Tells each line of an answer that goes on, until that ends. `headMs` is how long its first byte may take. */
  async stream(
    path: string,
    query: Query,
    {
      signal,
      headMs,
      opened,
      line,
    }: {
      signal: AbortSignal;
      headMs: number;
      opened: () => void;
      line: (value: unknown) => void;
    },
  ): Promise<void> {
    const head = new AbortController();
    const late = new Error(`no answer within ${headMs / 1000} s`);
    const timer = setTimeout(() => head.abort(late), headMs);
    try {
      const response = await this.#open(path, query, AbortSignal.any([signal, head.signal]));
      clearTimeout(timer);
      opened();
      for await (const each of linesOf(response)) line(JSON.parse(each));
    } catch (error) {
      throw head.signal.aborted ? late : error;
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #open(path: string, query: Query, signal: AbortSignal): Promise<IncomingMessage> {
    const { headers, tls } = await within(this.#cluster.access(this.#refused), signal);
    const { server } = this.#cluster;
    const url = new URL(server.pathname.replace(/\/$/, '') + path, server);
    url.search = new URLSearchParams(query).toString();
    const send = server.protocol === 'https:' ? secureRequest : plainRequest;
    const ask = () =>
      send(url, {
        agent: this.#agent,
        signal,
        headers: { accept: 'application/json', 'user-agent': 'sglang-router', ...headers },
        ...tls,
      });
    const response = await answerTo(ask);
    const { statusCode = 0 } = response;
    this.#refused = statusCode === 401;
    if (statusCode !== 200) throw new ApiError(statusCode, messageIn(await bodyOf(response), statusCode));
    return response;
  }
}

/** Asks again at once if a kept connection turns out to be closed. */
function answerTo(ask: () => ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = ask();
    request.once('response', resolve).once('error', (error: NodeJS.ErrnoException) => {
      if (request.reusedSocket && error.code === 'ECONNRESET') answerTo(ask).then(resolve, reject);
      else reject(error);
    });
    // Keep-alive finds a peer that vanished.
    request.setSocketKeepAlive(true, KEEP_ALIVE_MS);
    request.end();
  });
}

async function bodyOf(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Error(`an answer of more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function* linesOf(response: IncomingMessage): AsyncIterable<string> {
  let parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    let begin = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, begin)) {
      const line = Buffer.concat([...parts, chunk.subarray(begin, end)]).toString();
      [parts, size, begin] = [[], 0, end + 1];
      if (line.trim() !== '') yield line;
    }
    if (begin === chunk.length) continue;
    parts.push(chunk.subarray(begin));
    size += chunk.length - begin;
    if (size > MAX_LINE_BYTES) throw new Error(`an event of more than ${MAX_LINE_BYTES} bytes`);
  }
}

function messageIn(body: Buffer, status: number): string {
  try {
    const { message } = JSON.parse(body.toString());
    if (typeof message === 'string') return message;
  } catch {
    // The answer may come from something before the API server.
  }
  return `it answered ${status}`;
}

/** Stops waiting when aborted, so that a hanging exec plugin blocks nothing. */
function within<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
