import type { StoredKind } from '../http/endpoint.ts';
import { skipString, stringAt, valueOfField } from './prompt/json-scan.ts';

/** An id further behind is not looked for: engines write it first. Whoever refers to it is found by asking. */
const HEAD_BYTES = 16 * 1024;
const DATA = Buffer.from('data:');
const NEWLINE = 0x0a;
const QUOTE = 0x22;

/** Reads from the beginning of an answer the id of what its worker stores from now on, so that it is known before the client knows it. */
export class StoredId {
  readonly #kind: StoredKind;
  readonly #learned: (id: string) => void;
  #head: Buffer | undefined;
  #over = false;

  constructor(kind: StoredKind, learned: (id: string) => void) {
    this.#kind = kind;
    this.#learned = learned;
  }

  /** The head of the answer: an error stores nothing. */
  status(status: number): void {
    this.#over = status >= 300;
  }

  see(chunk: Buffer): void {
    if (this.#over) return;
    this.#head = this.#head ? Buffer.concat([this.#head, chunk.subarray(0, HEAD_BYTES)]) : chunk;
    const id = this.#kind === 'session' ? textIn(this.#head) : idIn(this.#head);
    if (id !== undefined) this.#learned(id);
    this.#over = id !== undefined || this.#head.length >= HEAD_BYTES;
    if (this.#over) this.#head = undefined;
  }
}

/** `id` of the JSON object, or of `response` in the first event of a stream. */
function idIn(head: Buffer): string | undefined {
  const data = startOfData(head);
  const object = data === undefined ? 0 : valueOfField(head, data, 'response');
  const at = object === undefined ? undefined : valueOfField(head, object, 'id');
  return at === undefined ? undefined : stringFrom(head, at);
}

/** `/open_session` answers the id alone. */
function textIn(head: Buffer): string | undefined {
  return stringFrom(head, head.indexOf(QUOTE));
}

function stringFrom(head: Buffer, start: number): string | undefined {
  const end = start < 0 ? Number.POSITIVE_INFINITY : skipString(head, start);
  return end > head.length ? undefined : stringAt(head, { start, end });
}

/** Where the data of the first event begins; undefined where the answer is none of events. */
function startOfData(head: Buffer): number | undefined {
  for (let line = 0; line >= 0 && line < head.length; line = head.indexOf(NEWLINE, line) + 1 || -1) {
    if (head.subarray(line, line + DATA.length).equals(DATA)) return line + DATA.length;
    // A JSON text has no line that starts an event.
    if (head[line] === 0x7b || head[line] === QUOTE) return undefined;
  }
  return undefined;
}
