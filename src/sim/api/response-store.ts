import type { ChatMessage } from '../chat-template.ts';
import type { Json } from './body.ts';

/** An answer of /v1/responses, and the conversation that it ends. */
interface StoredResponse {
  readonly answer: Json;
  readonly messages: readonly ChatMessage[];
}

const MOST_RESPONSES = 10_000;

/** The answers that an engine keeps, the newest; another one knows nothing of them. */
export class ResponseStore {
  readonly #stored = new Map<string, StoredResponse>();

  get(id: string): StoredResponse | undefined {
    return this.#stored.get(id);
  }

  set(id: string, response: StoredResponse): void {
    this.#stored.set(id, response);
    const [oldest] = this.#stored.keys();
    if (this.#stored.size > MOST_RESPONSES && oldest !== undefined) this.#stored.delete(oldest);
  }
}
