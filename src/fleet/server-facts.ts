import { jsonOf } from '../http/json-of.ts';
import { type AskedServer, ask } from './ask.ts';

/** What a server says of itself. Nothing else of its answers is kept, as they contain its keys. */
export interface ServerFacts {
  readonly modelPath?: string;
  readonly servedModelName?: string;
  /** Models that it lists, its own first, if its server info names none. */
  readonly listedModels?: readonly string[];
  /** Why no model is known. */
  readonly modelProblem?: string;
  readonly modelType?: string;
  readonly architectures?: readonly string[];
  /** Most tokens of a request, prompt and answer together. */
  readonly contextLength?: number;
  /** The engine's version. */
  readonly version?: string;
  readonly tpSize?: number;
  readonly dpSize?: number;
  readonly loadBalanceMethod?: string;
  readonly disaggregationMode?: string;
  /** Port of a prefill server at which decode servers fetch the KV cache. */
  readonly bootstrapPort?: number;
  /** Tokens that the KV caches of all ranks hold together. */
  readonly kvCapacityTokens?: number;
  /** Why there is no `kvCapacityTokens`. */
  readonly problem?: string;
  /** What came in place of its server info; without an answer it is asked again. */
  readonly untold?: Untold;
}

interface Untold {
  readonly problem: string;
  readonly answered: boolean;
  /** Whether the server refused the key. */
  readonly refused: boolean;
}

/** The newer path comes first. */
const SERVER_INFO = ['/server_info', '/get_server_info'];
const MODEL_INFO = ['/model_info', '/get_model_info'];
const MODELS = ['/v1/models'];
/** Most models that are read, as an engine may list any number of adapters. */
const MOST_LISTED = 1_000;
const TIMEOUT_MS = 5_000;
/** Most bytes of an answer, which repeats the arguments for each data-parallel rank. */
const MAX_BYTES = 4 * 2 ** 20;

type Fields = Readonly<Record<string, unknown>>;

/** Asks a server for its facts. Never rejects: facts that it does not tell are absent. */
export async function askFacts(worker: AskedServer): Promise<ServerFacts> {
  const server = await askAny(worker, SERVER_INFO);
  const model = await askAny(worker, MODEL_INFO);
  const facts = present({ ...serverFacts(server), ...modelFacts(model.fields) });
  const isNamed = (facts.servedModelName ?? facts.modelPath) !== undefined;
  if (isNamed && facts.contextLength !== undefined) return facts;
  const list = await askAny(worker, MODELS);
  const context = present({ contextLength: facts.contextLength ?? contextOf(list.fields.data) });
  return { ...facts, ...context, ...(isNamed ? {} : listedFacts(list, facts)) };
}

/** Facts from the server's list of models, which every engine has. */
function listedFacts(list: Answer, { untold }: ServerFacts): ServerFacts {
  const listedModels = idsOf(list.fields.data);
  if (listedModels.length > 0) return { listedModels };
  const modelProblem = [untold?.problem, list.untold?.problem ?? `${MODELS} listed none`].filter(Boolean).join(', ');
  return list.untold?.answered === false ? { modelProblem, untold: list.untold } : { modelProblem };
}

function idsOf(data: unknown): readonly string[] {
  const ids = Array.isArray(data) ? data.map((entry) => textOf((entry as Fields | null)?.id)) : [];
  return ids.filter((id) => id !== undefined).slice(0, MOST_LISTED);
}

/** The context length of the server's own model, which is listed before its adapters. */
function contextOf(data: unknown): number | undefined {
  return Array.isArray(data) ? countOf((data[0] as Fields | null)?.max_model_len) : undefined;
}

function serverFacts({ fields, untold }: Answer) {
  const dpSize = countOf(fields.dp_size);
  const perRank = countOf(fields.max_total_num_tokens);
  return {
    modelPath: textOf(fields.model_path),
    servedModelName: textOf(fields.served_model_name),
    // A null means the model's own length, which the list of models has.
    contextLength: countOf(fields.context_length),
    version: textOf(fields.version),
    tpSize: countOf(fields.tp_size),
    dpSize,
    loadBalanceMethod: textOf(fields.load_balance_method),
    // SGLang writes a word for none.
    disaggregationMode: fields.disaggregation_mode === null ? 'null' : textOf(fields.disaggregation_mode),
    bootstrapPort: countOf(fields.disaggregation_bootstrap_port),
    kvCapacityTokens: perRank && perRank * (dpSize ?? 1),
    untold,
    problem: perRank === undefined ? (untold?.problem ?? 'no max_total_num_tokens in its server info') : undefined,
  };
}

function modelFacts(fields: Fields) {
  return { modelType: textOf(fields.model_type), architectures: textsOf(fields.architectures) };
}

interface Answer {
  readonly fields: Fields;
  readonly untold?: Untold;
}

/** Asks the paths in order; resolves with the first JSON object. */
async function askAny(server: AskedServer, paths: readonly string[]): Promise<Answer> {
  const problems: string[] = [];
  let refused = false;
  try {
    for (const path of paths) {
      const { status, body } = await ask(server, path, { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES });
      const value = status === 200 ? jsonOf(body) : undefined;
      if (typeof value === 'object' && value !== null) return { fields: value as Fields };
      refused ||= status === 401 || status === 403;
      if (status >= 500) return unanswered(`${path} answered ${status}`);
      problems.push(status === 200 ? `${path} answered something else than an object` : `${path} answered ${status}`);
    }
    return { fields: {}, untold: { problem: problems.join(', '), answered: true, refused } };
  } catch (error) {
    return unanswered((error as Error).message);
  }
}

function unanswered(problem: string): Answer {
  return { fields: {}, untold: { problem, answered: false, refused: false } };
}

/** Drops undefined fields. */
function present(facts: { [K in keyof ServerFacts]: ServerFacts[K] | undefined }): ServerFacts {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as ServerFacts;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function textsOf(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
}

function countOf(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : undefined;
}
