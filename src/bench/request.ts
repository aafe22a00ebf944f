import type { Api } from './workloads/workload.ts';

/** What was said so far in a conversation, beginning with the system prompt where there is one. */
export interface Said {
  readonly role: 'system' | 'user' | 'assistant';
  readonly text: string;
  /** Its tokens as the simulated engine has them, where they are known. */
  readonly ids?: Int32Array | undefined;
}

/** What an API needs: where requests go, how they are written and how the last words of an answer are read. */
interface Dialect {
  readonly path: string;
  body(said: readonly Said[], outputTokens: number, model: string): string;
  read(events: readonly string[]): Reading;
}

/** What an answer says of itself. */
export interface Reading {
  readonly text: string;
  readonly promptTokens: number | undefined;
  readonly cachedTokens: number | undefined;
  readonly outputTokens: number | undefined;
  /** What went wrong, told within the stream. */
  readonly error: string | undefined;
}

/** The fields that are read; everything may be missing. */
interface Event {
  readonly error?: unknown;
  readonly text?: string;
  readonly meta_info?: { readonly prompt_tokens?: number; readonly cached_tokens?: number; completion_tokens?: number };
  readonly choices?: readonly { readonly delta?: { readonly content?: string } }[];
  readonly usage?: {
    readonly prompt_tokens?: number;
    readonly completion_tokens?: number;
    readonly prompt_tokens_details?: { readonly cached_tokens?: number } | null;
  } | null;
}

const GENERATE: Dialect = {
  path: '/generate',
  body: (said, outputTokens) =>
    JSON.stringify({
      text: said.map(({ text }) => text).join(''),
      sampling_params: { max_new_tokens: outputTokens, temperature: 0, ignore_eos: true },
      stream: true,
    }),
  read(events) {
    const last = parse(events.at(-1));
    const meta = last.meta_info;
    return {
      text: last.text ?? '',
      promptTokens: meta?.prompt_tokens,
      cachedTokens: meta?.cached_tokens,
      outputTokens: meta?.completion_tokens,
      error: errorOf(last),
    };
  },
};

const CHAT: Dialect = {
  path: '/v1/chat/completions',
  body: (said, outputTokens, model) =>
    JSON.stringify({
      model,
      messages: said.map(({ role, text }) => ({ role, content: text })),
      max_tokens: outputTokens,
      temperature: 0,
      ignore_eos: true,
      stream: true,
      stream_options: { include_usage: true },
    }),
  read(events) {
    const all = events.map(parse);
    const usage = all.findLast((event) => event.usage)?.usage;
    return {
      text: all.map(({ choices }) => choices?.[0]?.delta?.content ?? '').join(''),
      promptTokens: usage?.prompt_tokens,
      // Without --enable-cache-report, or with nothing cached, the details are null: only the engine itself knows.
      cachedTokens: usage?.prompt_tokens_details?.cached_tokens,
      outputTokens: usage?.completion_tokens,
      error: all.map(errorOf).find((error) => error !== undefined),
    };
  },
};

export const DIALECTS: Readonly<Record<Api, Dialect>> = { generate: GENERATE, chat: CHAT };

function parse(event = '{}'): Event {
  try {
    return JSON.parse(event);
  } catch {
    return { error: `not JSON: ${event.slice(0, 80)}` };
  }
}

function errorOf({ error }: Event): string | undefined {
  return error === undefined || error === null ? undefined : JSON.stringify(error).slice(0, 160);
}
