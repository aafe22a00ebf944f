const NEWLINE = 0x0a;
const DATA = Buffer.from('data:');

/** Cuts a stream of server-sent events into whole events, each with the empty line that ends it; the last may lack that. */
export class EventSplitter {
  #rest: Buffer = Buffer.alloc(0);

  /** The events that this chunk completes. */
  push(chunk: Buffer): Buffer[] {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    const events: Buffer[] = [];
    let start = 0;
    for (let end = endOfEvent(bytes, start); end > 0; end = endOfEvent(bytes, start)) {
      events.push(bytes.subarray(start, end));
      start = end;
    }
    this.#rest = bytes.subarray(start);
    return events;
  }

  /** What came after the last whole event. */
  get rest(): Buffer {
    return this.#rest;
  }
}

/** The event with its data, where that is one line, replaced by `change`; any other event as it is. */
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
  const plain = bytes.indexOf('\n\n', start);
  const windows = bytes.indexOf('\r\n\r\n', start);
  if (plain < 0 && windows < 0) return 0;
  return windows < 0 || (plain >= 0 && plain < windows) ? plain + 2 : windows + 4;
}
