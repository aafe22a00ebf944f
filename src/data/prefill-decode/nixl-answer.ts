import type { Usage } from '../../link/outcome.ts';
import { fieldsIn, numberIn } from '../prompt/json-scan.ts';
import { CACHED_FIELDS, cachedTokensIn } from './cached-tokens.ts';
import { HeldAnswer } from './held-answer.ts';

/** The body field that tells how the KV cache is transferred. */
export const TRANSFER = 'kv_transfer_params';

/** The prefill server's answer in vLLM's protocol: the location of the cache, and token counts. */
export class NixlAnswer extends HeldAnswer {
  #usage: Usage | undefined;
  #transfer: string | undefined;

  /** The location of the cache as JSON text; undefined if the answer has none. */
  get transfer(): string | undefined {
    return this.#transfer;
  }

  /** Reads the whole answer, as a long cache location may follow the counts. */
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
