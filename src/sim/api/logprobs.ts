import { type Tokens, tokenText } from '../tokens.ts';
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

/** `logprobs` of a completion choice; the tokens of the prompt come first where it is echoed, the first of all without one. */
export function completionLogprobs(ids: readonly number[], prompt: Tokens): unknown {
  const all = [...prompt, ...ids];
  const tokens = all.map(tokenText);
  const unknown = prompt.length > 0 ? 0 : -1;
  return {
    text_offset: all.map(() => -1),
    token_logprobs: all.map((id, i) => (i === unknown ? null : logprob(id))),
    tokens,
    top_logprobs: all.map((id, i) => (i === unknown ? null : { [tokens[i] as string]: logprob(id) })),
  };
}
