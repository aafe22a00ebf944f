import { RouterError } from '../../errors/errors.ts';
import type { Endpoint, Family } from '../../http/endpoint.ts';
import { ENDPOINTS } from '../../http/endpoints.ts';
import { type ByteSpan, elementsOf, findFields, skipSpace } from '../prompt/json-scan.ts';

/** How many prompts a body holds: a number for a batch, undefined for a single prompt. */
export type BatchSize = number | undefined;

/** Most prompts in a batch: each adds a room of some 40 bytes to both bodies. */
const MOST_PROMPTS = 65_536;
const QUOTE = 0x22;
const OPEN_BRACKET = 0x5b;

interface BodyShape {
  /** Fields that may hold the prompt; the first present counts. */
  readonly prompts: readonly string[];
  /** Fields that ask for several answers to one prompt; in an object, its field `n`. */
  readonly samples: readonly string[];
}

/** Family that needs a pair of servers → how its bodies are read. Other families cannot carry a room. */
const SHAPES: ReadonlyMap<Family, BodyShape> = new Map<Family, BodyShape>([
  ['generate', { prompts: ['text', 'input_ids', 'input_embeds'], samples: ['sampling_params'] }],
  ['chat', { prompts: [], samples: ['n'] }],
  ['completions', { prompts: ['prompt'], samples: ['n', 'best_of'] }],
  ['responses', { prompts: [], samples: [] }],
  ['messages', { prompts: [], samples: [] }],
]);

/**
 * Returns the batch size of a request for a pair of servers. Throws RouterError `bad_request` for what would hang or crash an engine: no
 * JSON object, or several answers to one prompt, which would all meet in one room.
 */
export function batchSizeOf({ path, family }: Endpoint, body: Buffer): BatchSize {
  const shape = SHAPES.get(family);
  if (!shape) {
    const served = ENDPOINTS.filter((one) => one.inference && SHAPES.has(one.family));
    const known = served.map((one) => one.path).join(', ');
    throw new RouterError(
      'bad_request',
      `${path} is not served by prefill and decode servers; expected one of ${known}`,
    );
  }
  const fields = findFields(body, new Set([...shape.prompts, ...shape.samples]));
  if (!fields) throw new RouterError('bad_request', 'expected a JSON object as the body');
  for (const name of shape.samples) refuseSamples(name, body, fields.get(name));
  for (const name of shape.prompts) {
    const span = fields.get(name);
    if (span && !isNull(body, span)) return promptsAt(body, span, name);
  }
  return undefined;
}

/** A list of strings or lists is a batch; a list of numbers is the tokens of one prompt, one of vectors its embeddings. */
function promptsAt(body: Buffer, { start }: ByteSpan, name: string): BatchSize {
  const first = firstIn(body, start);
  const sample = name === 'input_embeds' ? firstIn(body, first) : first;
  if (body[sample] !== QUOTE && body[sample] !== OPEN_BRACKET) return undefined;
  const count = elementsOf(body, start, MOST_PROMPTS)?.length;
  if (count === undefined || count <= MOST_PROMPTS) return count;
  throw new RouterError(
    'bad_request',
    `expected at most ${MOST_PROMPTS} prompts in "${name}", got more; send several requests`,
  );
}

/** Where the first element of the list at `at` begins; beyond the body if there is no list. */
function firstIn(body: Buffer, at: number): number {
  return body[at] === OPEN_BRACKET ? skipSpace(body, at + 1) : body.length;
}

/** Values that every parser reads as one answer: some read `"2_0"` as 20. */
const ONE: readonly unknown[] = [1, '1', true, null, undefined];

type Values = OneOrMore<{ readonly n?: unknown } | null>;
type OneOrMore<T> = T | readonly T[];

function refuseSamples(name: string, body: Buffer, span: ByteSpan | undefined): void {
  if (!span) return;
  let value: Values;
  try {
    value = JSON.parse(body.toString('utf8', span.start, span.end));
  } catch {
    throw new RouterError('bad_request', `the value of "${name}" is no JSON`);
  }
  const params = Array.isArray(value) ? value : [value];
  const inside = name === 'sampling_params';
  for (const one of params) {
    const n: unknown = inside ? one?.n : one;
    if (ONE.includes(n)) continue;
    const expected = `expected ${inside ? 'n' : name} = 1, got ${JSON.stringify(n)}`;
    throw new RouterError(
      'bad_request',
      `prefill and decode servers give one answer to a prompt: ${expected}; send the request several times`,
    );
  }
}

function isNull(body: Buffer, { start, end }: ByteSpan): boolean {
  return end - start === 4 && body.toString('latin1', start, end) === 'null';
}
