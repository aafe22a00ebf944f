import { ExitError } from '../../errors/errors.ts';

/** What an engine says of itself. */
export interface EngineFacts {
  readonly model: string;
  readonly version: string | undefined;
  readonly maxTotalTokens: number;
  readonly pageSize: number;
  readonly maxRunningRequests: number;
  /** -1: prompts are computed in one go. */
  readonly chunkedPrefillSize: number;
  readonly contextLength: number;
}

const TIMEOUT_MS = 10_000;
/** The newer name first. */
const PATHS = ['/server_info', '/get_server_info'];
const DEFAULT_PAGE_TOKENS = 1;

/** Asks a server of SGLang. Throws an ExitError where it does not tell how much its KV cache holds. */
export async function askEngine(url: string, apiKey: string | undefined): Promise<EngineFacts> {
  const problems: string[] = [];
  for (const path of PATHS) {
    const { info, problem } = await ask(url + path, apiKey);
    const facts = info && factsIn(info);
    if (facts) return facts;
    problems.push(`${path} ${problem ?? 'does not tell max_total_num_tokens'}`);
  }
  throw new ExitError('bench_failed', `--calibrate ${url}: ${problems.join(', ')}`, {
    hint: 'expected the URL of an SGLang server, not of a router or of another engine',
  });
}

type Info = Readonly<Record<string, unknown>>;

async function ask(url: string, apiKey: string | undefined): Promise<{ info?: Info; problem?: string }> {
  const headers: Record<string, string> = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) return { problem: `answered ${response.status}` };
    return { info: (await response.json()) as Info };
  } catch (error) {
    const cause = (error as Error).cause ?? error;
    return { problem: `cannot be asked: ${(cause as Error).message}` };
  }
}

function factsIn(info: Info): EngineFacts | undefined {
  const [state] = Array.isArray(info.internal_states) ? (info.internal_states as Info[]) : [];
  const number = (...names: string[]) => {
    const values = names.flatMap((name) => [info[name], state?.[name]]);
    return values.find((value): value is number => Number.isSafeInteger(value));
  };
  const maxTotalTokens = number('max_total_num_tokens');
  if (maxTotalTokens === undefined) return undefined;
  const context = number('context_length', 'context_len');
  const longest = number('max_req_input_len');
  return {
    model: String(info.served_model_name ?? info.model_path ?? 'default'),
    version: typeof info.version === 'string' ? info.version : undefined,
    maxTotalTokens,
    pageSize: number('page_size') ?? DEFAULT_PAGE_TOKENS,
    maxRunningRequests: number('effective_max_running_requests_per_dp', 'max_running_requests') ?? maxTotalTokens,
    chunkedPrefillSize: number('chunked_prefill_size') ?? -1,
    // What a request may have, where no length of the context is set: SGLang takes that of the model.
    contextLength: context ?? (longest === undefined ? maxTotalTokens : longest + 1),
  };
}
