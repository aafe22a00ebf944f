import { tokenText } from '../tokens.ts';
import { type Json, optionalInteger } from './body.ts';
import { logprob } from './generate-meta.ts';

/** `logprobs` of a chat choice: made-up numbers in the right shape; the best tokens are the one chosen and its neighbours. */
export function chatLogprobs(ids: readonly number[], body: Json): unknown {
  const top = optionalInteger(body, 'top_logprobs') ?? 0;
  const entry = (id: number) => {
    const token = tokenText(id);
    return { token, bytes: [...Buffer.from(token)], logprob: logprob(id) };
  };
  return {
    content: ids.map((id) => ({
      ...entry(id),
      top_logprobs: Array.from({ length: top }, (_, i) => entry(id + i)),
    })),
  };
}

/** `logprobs` of a completion choice. */
export function completionLogprobs(ids: readonly number[]): unknown {
  const tokens = ids.map(tokenText);
  return {
    text_offset: ids.map(() => -1),
    token_logprobs: ids.map(logprob),
    tokens,
    top_logprobs: ids.map((id, i) => ({ [tokens[i] as string]: logprob(id) })),
  };
}
