import { isProgressBar } from './phases.ts';
import type { Server } from './server.ts';

/** Where the lines are shown. */
export interface Reader {
  /** Bytes that nobody has read yet. */
  readonly writableLength?: number;
}

/** What one server may print in a second; its log file has everything. */
const CHARACTERS_A_SECOND = 256 * 1024;
/** Whoever has a pipe to our output and does not read it costs no more memory than this. */
const UNREAD_BYTES = 8 * 1024 * 1024;

/** How much a server has printed in the second that began then. */
interface Printed {
  sinceMs: number;
  characters: number;
  leftOut: number;
}

/** The servers' lines as they are shown: with names, without progress bars, and no faster than can be read or taken. */
export class ShownOutput {
  readonly #reader: Reader;
  readonly #printed = new Map<Server, Printed>();

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  /** What is to be shown of these lines, `name` before each. */
  take(server: Server, lines: readonly string[], name: string): string {
    const printed = this.#printedBy(server);
    const unread = (this.#reader.writableLength ?? 0) > UNREAD_BYTES;
    let text = '';
    for (const line of lines) {
      if (isProgressBar(line)) continue;
      if (unread || printed.characters > CHARACTERS_A_SECOND) {
        printed.leftOut++;
        continue;
      }
      if (printed.leftOut > 0) text += `${name}[${printed.leftOut} lines left out here; its log has them]\n`;
      printed.leftOut = 0;
      printed.characters += line.length;
      text += `${name}${line}\n`;
    }
    return text;
  }

  #printedBy(server: Server): Printed {
    const nowMs = performance.now();
    const printed = this.#printed.get(server) ?? { sinceMs: nowMs, characters: 0, leftOut: 0 };
    this.#printed.set(server, printed);
    if (nowMs - printed.sinceMs >= 1_000) {
      printed.sinceMs = nowMs;
      printed.characters = 0;
    }
    return printed;
  }
}
