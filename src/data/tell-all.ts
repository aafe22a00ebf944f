import { saysNo, type ToldAnswer, toldReport } from '../api/fan-out/told.ts';
import { RouterError } from '../errors/errors.ts';
import type { Endpoint } from '../http/endpoint.ts';
import { requestHeaders, responseHeaders } from '../http/headers.ts';
import { VIA, viaOf } from '../http/instance.ts';
import { originForm } from '../http/path.ts';
import { REQUEST_ID } from '../http/request-id.ts';
import { sendJson, setHeaders } from '../http/respond.ts';
import { type Answer, call } from '../http/upstream/get.ts';
import { type Models, modelOf } from '../scheduler/models.ts';
import type { Exchange } from './exchange.ts';
import type { Fleet, Server } from './fleet.ts';
import { RequestHints } from './prompt/hints.ts';

const MAX_ANSWER_BYTES = 16 * 2 ** 20;
const SHOWN_CHARACTERS = 200;

/**
 * Sends the request to every server that it concerns, to all at once, as collectives want it, and to each once: what failed somewhere
 * is told, not tried again. The client's answer is made of all of theirs when the last has come.
 */
export async function tellAll(exchange: Exchange, endpoint: Endpoint, fleet: Fleet, models: Models): Promise<void> {
  const { observed, request } = exchange;
  const named = modelIn(request.url) ?? new RequestHints(request, exchange).model;
  const model = modelOf(models, { model: named }, endpoint.ofModel);
  observed.record.model = model;
  const servers = fleet.concerned(endpoint, model);
  observed.record.attempts = servers.length;
  const left = new AbortController();
  exchange.ongoing = { cancel: () => left.abort() };
  const answers = await Promise.all(servers.map((server) => tell(server, exchange, left.signal)));
  exchange.ongoing = undefined;
  for (const [at, { told }] of answers.entries()) {
    if (endpoint.emptiesCache && told.problem === undefined) fleet.emptied(servers[at] as Server);
  }
  if (!exchange.gone) answerTogether(exchange, endpoint.path, answers);
}

interface Telling {
  readonly told: ToldAnswer;
  readonly answer: Answer | undefined;
}

/** Tells one server; never rejects. */
async function tell(server: Server, exchange: Exchange, signal: AbortSignal): Promise<Telling> {
  const { request, body, deadlineMs } = exchange;
  const { url: worker, basePath, client } = server;
  try {
    const answer = await call(client, basePath + originForm(request.url), {
      method: request.method ?? 'POST',
      headers: headersFor(server, exchange),
      body,
      timeoutMs: Math.max(1, deadlineMs - performance.now()),
      maxBytes: MAX_ANSWER_BYTES,
      signal,
    });
    return { answer, told: { worker, ...answer, problem: problemOf(answer) } };
  } catch (error) {
    const told = { worker, status: undefined, body: Buffer.alloc(0), problem: (error as Error).message };
    return { answer: undefined, told };
  }
}

function headersFor({ authorization }: Server, { request, observed }: Exchange): Readonly<Record<string, string>> {
  // Answers are read here, so they must not be compressed.
  const own = [REQUEST_ID, observed.record.id, VIA, viaOf(request.headers), 'accept-encoding', 'identity'];
  if (authorization !== undefined) own.push('authorization', authorization);
  const pairs = requestHeaders(request.headers, own);
  return Object.fromEntries(pairs.flatMap((name, at) => (at % 2 === 0 ? [[name, pairs[at + 1] ?? '']] : [])));
}

function problemOf({ status, body }: Answer): string | undefined {
  if (status >= 200 && status < 300 && !saysNo(body)) return undefined;
  const text = body.toString('utf8', 0, SHOWN_CHARACTERS).trim();
  return `it answered ${status}${text === '' ? '' : `: ${text}`}`;
}

function answerTogether({ reply, headers }: Exchange, what: string, answers: readonly Telling[]): void {
  const report = toldReport(
    what,
    answers.map(({ told }) => told),
  );
  if (report.kind === 'none') throw notDone(what, answers);
  setHeaders(reply, headers);
  if (report.kind === 'made') {
    sendJson(reply, report.status, report.body);
    return;
  }
  const { answer, told } = answers.find((one) => one.told === report.answer) as Telling;
  const own = responseHeaders({ ...answer?.headers, 'content-length': undefined });
  reply.head(told.status ?? 200, undefined, [...own, 'x-sglang-router-worker', told.worker], told.body.length);
  reply.end(told.body);
}

function notDone(what: string, answers: readonly Telling[]): RouterError {
  const failed = answers.map(({ told }) => ({ worker: told.worker, error: told.problem }));
  const reasons = failed.map(({ worker, error }) => `${worker}: ${error}`).join('; ');
  return new RouterError('worker_bad_response', `no worker did ${what}: ${reasons}`, { details: { failed } });
}

/** The model of `?model=NAME`: servers may refuse a field that they do not know. */
function modelIn(url = ''): string | undefined {
  const query = url.indexOf('?');
  return query < 0 ? undefined : (new URLSearchParams(url.slice(query)).get('model') ?? undefined);
}
