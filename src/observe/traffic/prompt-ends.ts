import type { Blocks } from '../../scheduler/index/blocks.ts';
import { hashBytes, mix32 } from '../../scheduler/index/hash.ts';

/** Ends that are remembered, and beginnings after which they stand; 6 MB. */
const SLOTS = 2 ** 18;
/** A piece has fewer bytes than there are bits in two words. */
const WORD_BITS = 32;
/** Of nothing. */
const NO_PIECE = { lo: 0x51ed270b, hi: 0x2f9be6cc };

/** A prompt that another begins with. */
interface WholeBeginning {
  readonly id: number;
  readonly bytes: number;
}

/** Where the latest prompts ended, to the byte: behind which whole pieces, and after which bytes of the next. */
export class PromptEnds {
  readonly #pieceBytes: number;
  /** By the hash of the whole pieces: its other half, and of which lengths there are rests behind them, a bit each. */
  readonly #tags = new Int32Array(SLOTS);
  readonly #short = new Int32Array(SLOTS);
  readonly #long = new Int32Array(SLOTS);
  /** By the hash of pieces and rest: its other half, and whose end it is. */
  readonly #endTags = new Int32Array(SLOTS);
  readonly #ids = new Float64Array(SLOTS);

  constructor(pieceBytes: number) {
    this.#pieceBytes = pieceBytes;
  }

  /** The latest of the longest prompts that this one begins with and goes on after. */
  find(prompt: Uint8Array, pieces: Blocks): WholeBeginning | undefined {
    for (let whole = Math.floor(pieces.bytes / this.#pieceBytes); whole >= 0; whole--) {
      const { lo, hi } = hashAt(pieces, whole);
      const slot = lo & (SLOTS - 1);
      if (this.#tags[slot] !== hi) continue;
      const start = whole * this.#pieceBytes;
      const longest = Math.min(this.#pieceBytes - 1, prompt.length - start - 1);
      for (let rest = longest; rest >= 0; rest--) {
        if (!this.#has(slot, rest)) continue;
        const end = endOf(lo, hi, prompt.subarray(start, start + rest));
        const place = this.#places(end).find((one) => this.#ids[one] !== 0 && this.#endTags[one] === end.tag);
        if (place !== undefined) return { id: this.#ids[place] as number, bytes: start + rest };
      }
    }
    return undefined;
  }

  /** Remembers where a prompt ends. */
  add(id: number, prompt: Uint8Array, pieces: Blocks): void {
    const whole = Math.floor(prompt.length / this.#pieceBytes);
    const { lo, hi } = hashAt(pieces, whole);
    const slot = lo & (SLOTS - 1);
    if (this.#tags[slot] !== hi) {
      this.#tags[slot] = hi;
      this.#short[slot] = this.#long[slot] = 0;
    }
    const start = whole * this.#pieceBytes;
    const rest = prompt.length - start;
    const bits = rest < WORD_BITS ? this.#short : this.#long;
    bits[slot] = (bits[slot] as number) | (1 << (rest % WORD_BITS));
    const end = endOf(lo, hi, prompt.subarray(start));
    const [one, other] = this.#places(end);
    const isOther = this.#endTags[one] !== end.tag && (this.#ids[other] as number) < (this.#ids[one] as number);
    const place = isOther || this.#endTags[other] === end.tag ? other : one;
    this.#endTags[place] = end.tag;
    this.#ids[place] = id;
  }

  /** An end has two places, so that two of one hash do not drive each other out. */
  #places({ place }: End): readonly [number, number] {
    return [place, place ^ 1];
  }

  #has(slot: number, rest: number): boolean {
    const bits = (rest < WORD_BITS ? this.#short : this.#long)[slot] as number;
    return ((bits >>> (rest % WORD_BITS)) & 1) === 1;
  }
}

function hashAt({ lo, hi }: Blocks, whole: number): { readonly lo: number; readonly hi: number } {
  return whole === 0 ? NO_PIECE : { lo: lo[whole - 1] as number, hi: hi[whole - 1] as number };
}

interface End {
  readonly place: number;
  readonly tag: number;
}

function endOf(lo: number, hi: number, rest: Uint8Array): End {
  const hash = hashBytes(rest, rest.length, lo);
  return { place: mix32(hash) & (SLOTS - 1), tag: mix32(hash ^ hi) | 0 };
}
