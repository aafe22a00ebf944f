import { RouterError } from '../errors/errors.ts';
import { ClientGoneError } from '../http/client-gone.ts';
import type { IncomingRequest } from '../http/edge/incoming-request.ts';
import { readBody } from '../http/edge/read-body.ts';
import type { Reply } from '../http/edge/reply.ts';
import type { Endpoint } from '../http/endpoint.ts';
import { requestHeaders, responseHeaders } from '../http/headers.ts';
import { VIA, viaOf } from '../http/instance.ts';
import { originForm } from '../http/path.ts';
import { REQUEST_ID } from '../http/request-id.ts';
import { sendError, sendJson } from '../http/respond.ts';
import { type Answer, call } from '../http/upstream/get.ts';
import type { WorkerServer } from '../http/upstream/worker-server.ts';
import type { Log } from '../observe/log/log.ts';
import { saysNo, type ToldAnswer, toldReport } from './fan-out/told.ts';
import type { FanOutLimit } from './fan-out-limit.ts';

const MAX_ANSWER_BYTES = 16 * 2 ** 20;
const SHOWN_CHARACTERS = 200;

/** The servers that get a request for all servers. */
export interface Recipients {
  readonly model: string | undefined;
  readonly servers: readonly WorkerServer[];
}

export interface TellAllParts {
  readonly maxPayloadBytes: number;
  readonly requestTimeoutMs: number;
  readonly fanOutLimit: FanOutLimit;
  readonly log: Log;
  /** The servers that get a request: those with the model it names, if any. Throws a RouterError if there is none. */
  recipients(endpoint: Endpoint, request: IncomingRequest, body: Buffer): Recipients;
  /** The server has emptied its cache. */
  emptied(server: WorkerServer): void;
}

/** A request for all servers under way. */
interface Telling {
  readonly request: IncomingRequest;
  readonly body: Buffer;
  readonly id: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What came of telling one server. */
interface Told {
  readonly told: ToldAnswer;
  readonly answer: Answer | undefined;
}

/** A request whose path was looked up, as far as it matters here. */
interface Begun {
  readonly found: { readonly endpoint: Endpoint };
  readonly scheduled: { readonly id: string; toldAll(model: string | undefined, workers: number): void };
}

/**
 * Sends the request to every server that it concerns, to all at once, as collectives want it, and to each once: what failed somewhere
 * is told, not tried again. The client's answer is made of all of theirs when the last has come. Never rejects; resolves with the code
 * of the error that it answered.
 */
export async function tellAll(
  request: IncomingRequest,
  reply: Reply,
  { found: { endpoint }, scheduled }: Begun,
  parts: TellAllParts,
): Promise<string | undefined> {
  const left = new AbortController();
  reply.watch({ clientLeft: () => left.abort() });
  try {
    const body = await readBody(request, endpoint, parts.maxPayloadBytes);
    const { model, servers } = parts.recipients(endpoint, request, body);
    const { id } = scheduled;
    const telling = { request, body, id, timeoutMs: parts.requestTimeoutMs, signal: left.signal };
    const answers = await parts.fanOutLimit.make(servers.length, () => {
      scheduled.toldAll(model, servers.length);
      return Promise.all(servers.map((server) => tell(server, telling)));
    });
    for (const [at, { told }] of answers.entries()) {
      if (endpoint.emptiesCache && told.problem === undefined) parts.emptied(servers[at] as WorkerServer);
    }
    if (!reply.gone) answerTogether(reply, endpoint.path, answers);
    return undefined;
  } catch (error) {
    if (reply.gone || reply.ended || error instanceof ClientGoneError) return undefined;
    if (!(error instanceof RouterError))
      parts.log.error('request failed in the router', { id: scheduled.id, reason: (error as Error).stack });
    return sendError(reply, error, endpoint.errors);
  } finally {
    request.release();
  }
}

/** Tells one server; never rejects. */
async function tell(server: WorkerServer, { request, body, id, timeoutMs, signal }: Telling): Promise<Told> {
  const { url: worker, basePath, client } = server;
  try {
    const answer = await call(client, basePath + originForm(request.url), {
      method: request.method ?? 'POST',
      headers: headersFor(server, request, id),
      body,
      timeoutMs,
      maxBytes: MAX_ANSWER_BYTES,
      signal,
    });
    return { answer, told: { worker, ...answer, problem: problemOf(answer) } };
  } catch (error) {
    const told = { worker, status: undefined, body: Buffer.alloc(0), problem: (error as Error).message };
    return { answer: undefined, told };
  }
}

function headersFor(
  { authorization }: WorkerServer,
  request: IncomingRequest,
  id: string,
): Readonly<Record<string, string>> {
  // Answers are read here, so they must not be compressed.
  const own = [REQUEST_ID, id, VIA, viaOf(request.headers), 'accept-encoding', 'identity'];
  if (authorization !== undefined) own.push('authorization', authorization);
  const pairs = requestHeaders(request.headers, own);
  return Object.fromEntries(pairs.flatMap((name, at) => (at % 2 === 0 ? [[name, pairs[at + 1] ?? '']] : [])));
}

function problemOf({ status, body }: Answer): string | undefined {
  if (status >= 200 && status < 300 && !saysNo(body)) return undefined;
  const text = body.toString('utf8', 0, SHOWN_CHARACTERS).trim();
  return `it answered ${status}${text === '' ? '' : `: ${text}`}`;
}

function answerTogether(reply: Reply, what: string, answers: readonly Told[]): void {
  const report = toldReport(
    what,
    answers.map(({ told }) => told),
  );
  if (report.kind === 'none') throw notDone(what, answers);
  if (report.kind === 'made') {
    sendJson(reply, report.status, report.body);
    return;
  }
  const { answer, told } = answers.find((one) => one.told === report.answer) as Told;
  const own = responseHeaders({ ...answer?.headers, 'content-length': undefined });
  reply.head(told.status ?? 200, undefined, [...own, 'x-sglang-router-worker', told.worker], told.body.length);
  reply.end(told.body);
}

function notDone(what: string, answers: readonly Told[]): RouterError {
  const failed = answers.map(({ told }) => ({ worker: told.worker, error: told.problem }));
  const reasons = failed.map(({ worker, error }) => `${worker}: ${error}`).join('; ');
  return new RouterError('worker_bad_response', `no worker did ${what}: ${reasons}`, { details: { failed } });
}
