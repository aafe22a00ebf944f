import { isProgressBar } from '../phases.ts';
import type { Server } from '../server.ts';
import { type Importance, importanceOf, sentenceOf } from './importance.ts';

/** Where the lines are shown. */
export interface Reader {
  /** Bytes that nobody has read yet. */
  readonly writableLength?: number;
}

/** Which of the servers' lines are shown: all, those that matter, or none. */
export type Shown = 'all' | 'important' | 'quiet';

/** A line of a server that is to be shown. */
interface ShownLine {
  readonly text: string;
  readonly importance: Importance;
}

/** What one server may print in a second; its log file has everything. */
const CHARACTERS_A_SECOND = 256 * 1024;
/** The same where only what matters is shown: more is not read. */
const IMPORTANT_LINES_A_SECOND = 5;
/** Whoever has a pipe to our output and does not read it costs no more memory than this. */
const UNREAD_BYTES = 8 * 1024 * 1024;
/** What several servers or ranks say alike is shown once within this time. */
const SAME_MS = 60_000;
const REMEMBERED = 200;

/** How much a server has printed in the second that began then. */
interface Printed {
  sinceMs: number;
  characters: number;
  lines: number;
  leftOut: number;
}

/** The servers' lines as they are shown: without progress bars, no faster than can be read or taken, and all of them or only what matters. */
export class ShownOutput {
  readonly #reader: Reader;
  readonly #which: Shown;
  readonly #printed = new Map<Server, Printed>();
  /** What was said, and when; the oldest first. */
  readonly #said = new Map<string, number>();

  constructor(reader: Reader, which: Shown) {
    this.#reader = reader;
    this.#which = which;
  }

  /** Which of these lines are to be shown. */
  take(server: Server, lines: readonly string[]): ShownLine[] {
    if (this.#which === 'quiet') return [];
    const printed = this.#printedBy(server);
    const unread = (this.#reader.writableLength ?? 0) > UNREAD_BYTES;
    const shown: ShownLine[] = [];
    for (const text of lines) {
      if (isProgressBar(text)) continue;
      const importance = importanceOf(text);
      if (this.#which === 'important' && (importance === undefined || this.#wasSaid(text))) continue;
      if (unread || this.#isTooMuch(printed)) {
        printed.leftOut++;
        continue;
      }
      if (printed.leftOut > 0) {
        shown.push({ text: `[${printed.leftOut} lines left out here; its log has them]`, importance: undefined });
      }
      printed.leftOut = 0;
      printed.lines++;
      printed.characters += text.length;
      shown.push({ text, importance });
    }
    return shown;
  }

  #isTooMuch({ characters, lines }: Printed): boolean {
    return characters > CHARACTERS_A_SECOND || (this.#which === 'important' && lines >= IMPORTANT_LINES_A_SECOND);
  }

  #wasSaid(text: string): boolean {
    const sentence = sentenceOf(text).slice(0, 200);
    const nowMs = performance.now();
    const saidMs = this.#said.get(sentence) ?? Number.NEGATIVE_INFINITY;
    if (nowMs - saidMs < SAME_MS) return true;
    this.#said.delete(sentence);
    this.#said.set(sentence, nowMs);
    const [oldest] = this.#said.keys();
    if (this.#said.size > REMEMBERED && oldest !== undefined) this.#said.delete(oldest);
    return false;
  }

  #printedBy(server: Server): Printed {
    const nowMs = performance.now();
    const printed = this.#printed.get(server) ?? { sinceMs: nowMs, characters: 0, lines: 0, leftOut: 0 };
    this.#printed.set(server, printed);
    if (nowMs - printed.sinceMs >= 1_000) Object.assign(printed, { sinceMs: nowMs, characters: 0, lines: 0 });
    return printed;
  }
}
