import type { StoredKind } from '../http/endpoint.ts';
import { skipString, stringAt, valueOfField } from './prompt/json-scan.ts';

/** Bytes in which the id is looked for, as engines write it first; a missed one is found by asking all servers. */
const HEAD_BYTES = 16 * 1024;
const DATA = Buffer.from('data:');
const NEWLINE = 0x0a;
const QUOTE = 0x22;

/** Reads the id of a newly stored object from the beginning of an answer, so that it is known before the client has it. */
export class StoredId {
  readonly #kind: StoredKind;
  readonly #learned: (id: string) => void;
  #head: Buffer | undefined;
  #over = false;

  constructor(kind: StoredKind, learned: (id: string) => void) {
    this.#kind = kind;
    this.#learned = learned;
  }

  /** Takes the answer's status: an error stores nothing. */
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

/** The `id` of the JSON object, or of `response` in a stream's first event. */
function idIn(head: Buffer): string | undefined {
  const data = startOfData(head);
  const object = data === undefined ? 0 : valueOfField(head, data, 'response');
  const at = object === undefined ? undefined : valueOfField(head, object, 'id');
  return at === undefined ? undefined : stringFrom(head, at);
}

/** The whole answer of `/open_session`, which is the id. */
function textIn(head: Buffer): string | undefined {
  return stringFrom(head, head.indexOf(QUOTE));
}

function stringFrom(head: Buffer, start: number): string | undefined {
  const end = start < 0 ? Number.POSITIVE_INFINITY : skipString(head, start);
  return end > head.length ? undefined : stringAt(head, { start, end });
}

/** Where the first event's data begins; undefined for an answer without events. */
function startOfData(head: Buffer): number | undefined {
  for (let line = 0; line >= 0 && line < head.length; line = head.indexOf(NEWLINE, line) + 1 || -1) {
    if (head.subarray(line, line + DATA.length).equals(DATA)) return line + DATA.length;
    // A line that begins like JSON is no event.
    if (head[line] === 0x7b || head[line] === QUOTE) return undefined;
  }
  return undefined;
}
