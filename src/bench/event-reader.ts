const NEWLINE = 10;
const DONE = 'data: [DONE]';

/** Reads a stream of server-sent events: counts them as they come, by bytes, and looks into them only when it is over. */
export class EventReader {
  readonly #chunks: Buffer[] = [];
  #lastByte = 0;

  /** Takes the next bytes; returns how many events end in them. */
  take(chunk: Buffer): number {
    this.#chunks.push(chunk);
    let events = chunk[0] === NEWLINE && this.#lastByte === NEWLINE ? 1 : 0;
    for (let at = chunk.indexOf('\n\n'); at >= 0; at = chunk.indexOf('\n\n', at + 2)) events++;
    this.#lastByte = chunk[chunk.length - 1] as number;
    return events;
  }

  /** All that came, as text. */
  text(): string {
    return Buffer.concat(this.#chunks).toString();
  }

  /** The data of each event and whether the stream ended as it should. */
  events(): { readonly data: readonly string[]; readonly complete: boolean } {
    const lines = this.text().split(/\r?\n/);
    const data = lines.filter((line) => line.startsWith('data: ') && line !== DONE).map((line) => line.slice(6));
    return { data, complete: lines.includes(DONE) };
  }
}
