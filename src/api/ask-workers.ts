import { RouterError } from '../errors/errors.ts';
import type { Worker } from '../fleet/worker.ts';
import type { IncomingRequest } from '../http/edge/incoming-request.ts';
import { INSTANCE, VIA, viaOf } from '../http/instance.ts';
import { call } from '../http/upstream/get.ts';

/** What workers are asked. */
export interface Question {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly headers: Headers;
  readonly body?: Buffer | undefined;
  readonly timeoutMs?: number | undefined;
}

type Headers = Readonly<Record<string, string>>;

/** What came of asking a worker: the body of its good answer, or why there is none. */
type WorkerAnswer =
  | { readonly worker: string; readonly body: Buffer }
  | { readonly worker: string; readonly problem: string; readonly refusal?: Refusal };

/** An answer whose status says that it is not good. */
interface Refusal {
  readonly status: number;
  readonly body: Buffer;
}

const TIMEOUT_MS = 5_000;
const FIRST_MS = 10_000;
/** Beyond the metrics of a server with a hundred ranks. */
const MAX_BYTES = 16 * 2 ** 20;
const SHOWN_CHARACTERS = 200;

/** The headers with which workers are asked for a client: its key, which a worker gets that has none of its own, as with requests. */
export function headersFor({ headers }: IncomingRequest): Headers {
  const { authorization } = headers;
  const via = { [VIA]: viaOf(headers) };
  return authorization === undefined ? via : { ...via, authorization };
}

/** Asks one worker. Never rejects; any status but 2xx is a problem, as is an answer that takes longer than 5 s. */
export async function askWorker(worker: Worker, question: Question): Promise<WorkerAnswer> {
  const { method, path, body, timeoutMs = TIMEOUT_MS } = question;
  const { client, basePath, controlHeaders, url } = worker;
  // Its key takes the place of the client's; the routers that the question has come through stay.
  const { [VIA]: via = INSTANCE, ...asked } = question.headers;
  const headers = { ...asked, ...controlHeaders, [VIA]: via };
  try {
    const answer = await call(client, basePath + path, { method, body, headers, timeoutMs, maxBytes: MAX_BYTES });
    if (answer.status >= 200 && answer.status < 300) return { worker: url, body: answer.body };
    return { worker: url, problem: problemOf(path, answer.status, answer.body), refusal: answer };
  } catch (error) {
    return { worker: url, problem: (error as Error).message };
  }
}

/** Asks all at once; the answers are in the order of the workers. */
export function askAll(workers: readonly Worker[], question: Question): Promise<readonly WorkerAnswer[]> {
  return Promise.all(workers.map((worker) => askWorker(worker, question)));
}

/**
 * The first good answer to a GET of any of the `paths`, names of one thing, the workers asked one after the other for 10 s at
 * most. Throws RouterError `worker_bad_response` when none is good.
 */
export async function askFirst(
  workers: readonly Worker[],
  paths: readonly string[],
  headers: Headers,
): Promise<Buffer> {
  const endMs = performance.now() + FIRST_MS;
  const problems: string[] = [];
  for (const worker of workers) {
    if (performance.now() > endMs) break;
    const answer = await askAny(worker, paths, headers);
    if ('body' in answer) return answer.body;
    problems.push(`${answer.worker}: ${answer.problem}`);
  }
  throw noGoodAnswer(problems);
}

/** The worker's first good answer to a GET of any of the `paths`, else what was wrong with each. */
export async function askAny(worker: Worker, paths: readonly string[], headers: Headers): Promise<WorkerAnswer> {
  const problems: string[] = [];
  for (const path of paths) {
    const answer = await askWorker(worker, { path, headers });
    if ('body' in answer) return answer;
    problems.push(answer.problem);
  }
  return { worker: worker.url, problem: problems.join(', ') };
}

/** The good ones of the answers. Throws RouterError `worker_bad_response` when there is none. */
export function goodOnes(answers: readonly WorkerAnswer[]) {
  const good = answers.filter((answer) => 'body' in answer);
  if (good.length > 0) return good;
  throw noGoodAnswer(failures(answers).map(({ worker, error }) => `${worker}: ${error}`));
}

/** The last of the answers where each of them says that the question is not a good one; undefined where any is good, or no answer at all. */
export function refusalOf(answers: readonly WorkerAnswer[]): Refusal | undefined {
  const refusals = answers.flatMap((answer) => ('refusal' in answer && answer.refusal ? [answer.refusal] : []));
  return refusals.length === answers.length && refusals.every(({ status }) => status < 500)
    ? refusals.at(-1)
    : undefined;
}

/** Which workers failed, and why, for an answer's body. */
export function failures(
  answers: readonly WorkerAnswer[],
): readonly { readonly worker: string; readonly error: string }[] {
  return answers.flatMap((answer) => ('problem' in answer ? [{ worker: answer.worker, error: answer.problem }] : []));
}

function noGoodAnswer(problems: readonly string[]): RouterError {
  return new RouterError('worker_bad_response', `no worker gave a good answer: ${problems.join('; ')}`);
}

function problemOf(path: string, status: number, body: Buffer): string {
  const text = body.toString('utf8', 0, SHOWN_CHARACTERS).trim();
  return `${path} answered ${status}${text === '' ? '' : `: ${text}`}`;
}
