import type { Usage } from '../../link/outcome.ts';
import { fieldsIn, numberIn } from '../prompt/json-scan.ts';
import { CACHED_FIELDS, cachedTokensIn } from './cached-tokens.ts';
import { HeldAnswer } from './held-answer.ts';

/** What tells in both protocols' bodies how the cache moves. */
export const TRANSFER = 'kv_transfer_params';

/** The prefill server's answer in vLLM's protocol: where the cache lies, and what it says of its tokens. */
export class NixlAnswer extends HeldAnswer {
  #usage: Usage | undefined;
  #transfer: string | undefined;

  /** Where the cache lies, as JSON text; undefined where it does not say. */
  get transfer(): string | undefined {
    return this.#transfer;
  }

  /** Read from all of it: what says where the cache lies may be long, and follows. */
  override get usage(): Usage | undefined {
    return this.#usage;
  }

  override end(): void {
    if (this.status >= 300) return;
    const { body } = this;
    const fields = fieldsIn(body, { start: 0, end: body.length }, [TRANSFER, ...CACHED_FIELDS]);
    const transfer = fields.get(TRANSFER);
    const text = transfer && body.toString('utf8', transfer.start, transfer.end);
    this.#transfer = text === 'null' ? undefined : text;
    const usage = fields.get('usage');
    const counts = usage && fieldsIn(body, usage, ['prompt_tokens', 'completion_tokens']);
    this.#usage = {
      promptTokens: numberIn(body, counts?.get('prompt_tokens')),
      cachedTokens: cachedTokensIn(body, fields),
      completionTokens: numberIn(body, counts?.get('completion_tokens')),
    };
  }
}
