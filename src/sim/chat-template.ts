import { END_OF_TURN, hashText, roleToken, tokenize } from './tokens.ts';

/** Tokens that stand for an image or another part that is not text. */
const MEDIA_TOKENS = 64;

/** A message as the client sent it; whatever is not understood counts as text. */
export interface ChatMessage {
  readonly role?: unknown;
  readonly content?: unknown;
  readonly tool_calls?: unknown;
}

/**
 * The tokens of a conversation: per message a marker, its content and an end marker, then the marker of the answer. What
 * comes later in a conversation never changes the tokens before it, so that turns share their prefix.
 */
export function chatTokens(messages: readonly ChatMessage[], tools: unknown): number[] {
  const tokens: number[] = [];
  if (Array.isArray(tools) && tools.length > 0) addTurn('tools', JSON.stringify(tools), tokens);
  for (const message of messages) {
    addTurn(String(message.role ?? 'user'), message.content, tokens, message.tool_calls);
  }
  tokens.push(roleToken('assistant'));
  return tokens;
}

/** The same of messages whose tokens are known, in parts. */
export function chatTokensOf(
  turns: readonly { readonly role: string; readonly ids: ArrayLike<number> }[],
): ArrayLike<number>[] {
  const all = turns.flatMap(({ role, ids }) => [[roleToken(role)], ids, [END_OF_TURN]]);
  return [...all, [roleToken('assistant')]];
}

function addTurn(role: string, content: unknown, tokens: number[], toolCalls?: unknown): void {
  tokens.push(roleToken(role));
  addContent(content, tokens);
  if (toolCalls) tokenize(JSON.stringify(toolCalls), tokens);
  tokens.push(END_OF_TURN);
}

function addContent(content: unknown, tokens: number[]): void {
  if (typeof content === 'string') tokenize(content, tokens);
  else if (Array.isArray(content)) for (const part of content) addPart(part, tokens);
  else if (content !== undefined && content !== null) tokenize(JSON.stringify(content), tokens);
}

function addPart(part: unknown, tokens: number[]): void {
  const text = typeof part === 'string' ? part : (part as { text?: unknown } | null)?.text;
  if (typeof text === 'string') {
    tokenize(text, tokens);
    return;
  }
  const hash = hashText(JSON.stringify(part));
  for (let i = 0; i < MEDIA_TOKENS; i++) tokens.push(hash % 100_003);
}
