/** What came of telling one worker something. */
export interface ToldAnswer {
  readonly worker: string;
  /** Of its answer; undefined where none came. */
  readonly status: number | undefined;
  readonly body: Buffer;
  /** Why it counts as not done; undefined where the worker did it. */
  readonly problem: string | undefined;
}

/** What the client is told: a worker's own answer, or a body made of all of them. */
type ToldReport =
  | { readonly kind: 'own'; readonly answer: ToldAnswer }
  | { readonly kind: 'made'; readonly status: number; readonly body: object }
  | { readonly kind: 'none' };

/**
 * The answers of all workers that were told something as one. One worker's is as it is. Where all did it: the fields of the first
 * answer, and each worker's own in `workers`. Where some did not: 206 with `success` false and who failed, as `/flush_cache` has it.
 * Where none did: what they say if they all say it with the same status, else `none`.
 */
export function toldReport(what: string, answers: readonly ToldAnswer[]): ToldReport {
  const [first] = answers;
  if (!first) return { kind: 'none' };
  if (answers.length === 1) return first.status === undefined ? { kind: 'none' } : { kind: 'own', answer: first };
  const failed = answers.flatMap(({ worker, problem }) => (problem === undefined ? [] : [{ worker, error: problem }]));
  if (failed.length === 0) return together(first, 200, answers);
  if (failed.length < answers.length) {
    const successful = answers.filter(({ problem }) => problem === undefined).map(({ worker }) => worker);
    const message = `${what}: ${successful.length} succeeded, ${failed.length} failed`;
    return {
      kind: 'made',
      status: 206,
      body: { status: 'partial_success', success: false, message, successful, failed },
    };
  }
  const { status } = first;
  if (status === undefined || answers.some((answer) => answer.status !== status)) return { kind: 'none' };
  return together(first, status, answers);
}

function together(first: ToldAnswer, status: number, answers: readonly ToldAnswer[]): ToldReport {
  const values = answers.map(({ worker, body }) => ({ worker, answer: jsonOrText(body) }));
  const own = values[0]?.answer;
  if (isObject(own)) return { kind: 'made', status, body: { ...own, workers: values } };
  if (answers.every(({ body }) => body.equals(first.body))) return { kind: 'own', answer: first };
  return { kind: 'made', status, body: { workers: values } };
}

/** Whether a good answer says that the thing was not done all the same. */
export function saysNo(body: Buffer): boolean {
  const value = jsonOrText(body);
  return isObject(value) && value.success === false;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The JSON value, or the text where it is none. */
function jsonOrText(body: Buffer): unknown {
  const text = body.toString();
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
