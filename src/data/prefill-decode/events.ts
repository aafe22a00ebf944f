const NEWLINE = 0x0a;
const RETURN = 0x0d;
const DATA = Buffer.from('data:');
const NOTHING = Buffer.alloc(0);
/** Bytes before a chunk in which an empty line across chunks may begin. */
const OVERLAP_BYTES = 3;

/** Cuts a stream of server-sent events into whole events, each with the empty line that ends it; the last may lack that. */
export class EventSplitter {
  /** Pieces of the unfinished event. */
  #pieces: Buffer[] = [];
  #restBytes = 0;
  #last: Buffer = NOTHING;

  /** Adds a chunk; returns the events that it completes. */
  push(chunk: Buffer): Buffer[] {
    const near = this.#last.length > 0 ? Buffer.concat([this.#last, chunk]) : chunk;
    this.#pieces.push(chunk);
    this.#restBytes += chunk.length;
    this.#last = near.subarray(-OVERLAP_BYTES);
    if (endOfEvent(near, 0) === 0) return [];
    const bytes = this.#pieces.length > 1 ? this.rest : chunk;
    const events: Buffer[] = [];
    let start = 0;
    for (let end = endOfEvent(bytes, start); end > 0; end = endOfEvent(bytes, start)) {
      events.push(bytes.subarray(start, end));
      start = end;
    }
    const rest = bytes.subarray(start);
    this.#pieces = rest.length > 0 ? [rest] : [];
    this.#restBytes = rest.length;
    this.#last = rest.subarray(-OVERLAP_BYTES);
    return events;
  }

  /** The bytes after the last whole event. */
  get rest(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  get restBytes(): number {
    return this.#restBytes;
  }
}

/** Replaces an event's data by `change` of it, if that is one line; any other event stays. */
export function changeData(event: Buffer, change: (json: Buffer) => Buffer): Buffer {
  if (!event.subarray(0, DATA.length).equals(DATA)) return event;
  const end = event.indexOf(NEWLINE);
  const data = event.subarray(DATA.length, end);
  const changed = change(data);
  return changed === data ? event : Buffer.concat([DATA, changed, event.subarray(end)]);
}

/** The JSON texts of an answer that came whole: the data of its events, or the one text that it is. */
export function eventsOf(body: Buffer): Buffer[] {
  if (!body.subarray(0, DATA.length).equals(DATA)) return [body];
  return new EventSplitter().push(body).map((event) => event.subarray(DATA.length, event.indexOf(NEWLINE)));
}

/** Position after the first empty line at or after `start`, 0 where there is none. */
function endOfEvent(bytes: Buffer, start: number): number {
  for (let line = bytes.indexOf(NEWLINE, start); line >= 0; line = bytes.indexOf(NEWLINE, line + 1)) {
    if (bytes[line + 1] === NEWLINE) return line + 2;
    if (bytes[line + 1] === RETURN && bytes[line + 2] === NEWLINE) return line + 3;
  }
  return 0;
}
