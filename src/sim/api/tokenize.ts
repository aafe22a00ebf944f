import { chatTokens } from '../chat-template.ts';
import { tokenize as tokenizeText, tokenText } from '../tokens.ts';
import { type ApiCall, sendJson } from './api-call.ts';
import { isNumbers, isStrings, parseBody, required } from './body.ts';
import { readMessages } from './chat.ts';
import type { SimContext } from './context.ts';
import { InvalidBodyError } from './errors.ts';

/** POST /v1/tokenize and /tokenize: one text or several. */
export function tokenize({ options }: SimContext, { response, body: bytes }: ApiCall): void {
  const prompt = required(parseBody(bytes), 'prompt');
  if (typeof prompt !== 'string' && !isStrings(prompt)) {
    throw new InvalidBodyError('string_type', 'prompt', 'Input should be a valid string');
  }
  const lists = [prompt].flat().map((text) => tokenizeText(text));
  const counts = lists.map((tokens) => tokens.length);
  const single = typeof prompt === 'string';
  sendJson(response, 200, {
    tokens: single ? lists[0] : lists,
    count: single ? counts[0] : counts,
    max_model_len: options.contextLength,
  });
}

/** POST /v1/detokenize and /detokenize; exact for tokens of answers, other tokens give some word. */
export function detokenize(_context: SimContext, { response, body: bytes }: ApiCall): void {
  const tokens = required(parseBody(bytes), 'tokens');
  if (!isNumbers(tokens)) throw new InvalidBodyError('list_type', 'tokens', 'Input should be a valid list');
  sendJson(response, 200, { text: tokens.map(tokenText).join('') });
}

/** POST /v1/messages/count_tokens. */
export function countTokens(_context: SimContext, { response, body: bytes }: ApiCall): void {
  const body = parseBody(bytes);
  sendJson(response, 200, { input_tokens: chatTokens(readMessages(body), body.tools).length });
}
