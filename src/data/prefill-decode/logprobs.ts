import type { Family } from '../../http/endpoint.ts';
import { type ByteSpan, elementsOf, fieldsIn, findFields, skipSpace } from '../prompt/json-scan.ts';
import type { Merge } from './merging-answer.ts';

const COMMA = Buffer.from(',');

/** Where an answer has its lists of logprobs. */
interface Lists {
  /** Whether the lists are in the answer itself (one for each prompt of a batch) or in each of its choices. */
  readonly list: 'answer' | 'choices';
  readonly holder: string;
  readonly fields: readonly string[];
  /** Whether the last element is dropped: the prefill server's own token, with which decode's lists begin. */
  readonly dropLast: boolean;
  /** Whether decode's stream has the lists once for each prompt, not in every event. */
  readonly once: boolean;
}

/** Families whose answers have logprobs of the prompt, which only the prefill server knows. */
const PLACES: ReadonlyMap<Family, Lists> = new Map<Family, Lists>([
  [
    'generate',
    {
      list: 'answer',
      holder: 'meta_info',
      fields: ['input_token_logprobs', 'input_top_logprobs', 'input_token_ids_logprobs'],
      dropLast: false,
      once: false,
    },
  ],
  [
    'completions',
    {
      list: 'choices',
      holder: 'logprobs',
      fields: ['tokens', 'token_logprobs', 'top_logprobs', 'text_offset'],
      dropLast: true,
      once: true,
    },
  ],
]);

/** Puts the prompt's logprobs, from the prefill server's answer, into decode's, of which every other byte stays as it is. */
export class PromptLogprobs implements Merge {
  readonly #place: Lists;
  /** Prompt number → field → its elements as JSON text, without brackets. */
  readonly #prompts = new Map<string, Map<string, Buffer>>();

  /** Returns undefined if the answer to this body has nothing to merge. */
  static wantedBy(family: Family, body: Buffer): PromptLogprobs | undefined {
    const place = PLACES.get(family);
    if (!place) return undefined;
    const fields = findFields(body, new Set(['return_logprob', 'echo', 'logprobs']));
    const value = (name: string) => {
      const span = fields?.get(name);
      return span ? body.toString('latin1', span.start, span.end) : '';
    };
    const wanted =
      place.list === 'answer'
        ? value('return_logprob').includes('true')
        : value('echo') === 'true' && /^(true|[1-9])/.test(value('logprobs'));
    return wanted ? new PromptLogprobs(place) : undefined;
  }

  private constructor(place: Lists) {
    this.#place = place;
  }

  /** Reads one JSON text of the prefill server's answer: all of it, or the data of an event of its stream. */
  learn(json: Buffer): void {
    for (const [prompt, lists] of this.#lists(json)) {
      const parts = new Map<string, Buffer>();
      for (const [field, { start }] of lists) {
        const elements = elementsOf(json, start) ?? [];
        const last = elements.at(this.#place.dropLast ? -2 : -1);
        if (last && elements[0]) parts.set(field, json.subarray(elements[0].start, last.end));
      }
      this.#prompts.set(prompt, parts);
    }
  }

  /** Returns a JSON text of decode's answer with the learned elements in front of its lists. */
  merge(json: Buffer): Buffer {
    const inserts: { at: number; part: Buffer; more: boolean }[] = [];
    for (const [prompt, lists] of this.#lists(json)) {
      const parts = this.#prompts.get(prompt);
      for (const [field, { start }] of lists) {
        const elements = elementsOf(json, start);
        const part = parts?.get(field);
        if (elements && part) inserts.push({ at: start + 1, part, more: elements.length > 0 });
      }
      if (this.#place.once && lists.size > 0) this.#prompts.delete(prompt);
    }
    if (inserts.length === 0) return json;
    const merged: Buffer[] = [];
    let from = 0;
    for (const { at, part, more } of inserts.sort((a, b) => a.at - b.at)) {
      merged.push(json.subarray(from, at), part);
      if (more) merged.push(COMMA);
      from = at;
    }
    return Buffer.concat([...merged, json.subarray(from)]);
  }

  /** Yields prompt number and lists for every prompt in a JSON text. */
  *#lists(json: Buffer): Generator<[string, Map<string, ByteSpan>]> {
    const { list, holder, fields } = this.#place;
    const whole = { start: skipSpace(json, 0), end: json.length };
    const at = list === 'choices' ? fieldsIn(json, whole, [list]).get(list)?.start : whole.start;
    const objects = at === undefined ? [] : (elementsOf(json, at) ?? [whole]);
    for (const [order, object] of objects.entries()) {
      const found = fieldsIn(json, object, [holder, 'index']);
      const index = found.get('index');
      const prompt = index ? json.toString('latin1', index.start, index.end) : String(order);
      const held = found.get(holder);
      if (held) yield [prompt, fieldsIn(json, held, fields)];
    }
  }
}
