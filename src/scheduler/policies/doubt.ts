import { isBefore } from '../index/prefix-index.ts';

/** After so many refuted predictions in a row all is lost: engines short of memory drop some prompts, not all. */
const REFUTED_IN_A_ROW = 3;

/**
 * Whether one worker still has what it had when it was idle last. An engine empties its cache on request only while it is idle,
 * and so does one that is started again; so what was used since the worker became idle is there, and what was used before may be
 * gone without anybody having told. The first answer that shows an older prompt to be cached removes the doubt; several that
 * show the contrary tell that all of it is lost, not only those prompts.
 */
export class Doubt {
  #open = 0;
  #upTo: number | undefined;
  /** The use up to which everything may be lost, if further answers confirm it. */
  #lostUpTo: number | undefined;
  #refuted = 0;

  /** What the worker has not used since this use may be lost; undefined where nothing may. Uses are those of the prefix index. */
  get upTo(): number | undefined {
    return this.#upTo;
  }

  /** Counts a request that was sent to the worker. */
  opened(): void {
    this.#open++;
  }

  /** A request at the worker has ended; `latestUse` is the latest of the index. */
  closed(latestUse: number): void {
    if (--this.#open === 0) this.#upTo = latestUse;
  }

  /** Whether a use is among those in doubt. */
  concerns(use: number | undefined): boolean {
    return use !== undefined && this.#upTo !== undefined && !isBefore(this.#upTo, use);
  }

  /** A prompt used at `use`, in doubt up to `upTo`, is still cached. */
  confirmed(use: number, upTo: number): void {
    if (this.#upTo === upTo) this.#upTo = undefined;
    if (this.#lostUpTo === undefined || isBefore(this.#lostUpTo, use)) return;
    this.#lostUpTo = undefined;
    this.#refuted = 0;
  }

  /** A prompt in doubt up to `upTo` is not cached. Returns the use up to which all is lost, once that is known. */
  refuted(upTo: number): number | undefined {
    this.#lostUpTo ??= upTo;
    if (++this.#refuted < REFUTED_IN_A_ROW) return undefined;
    const lost = this.#lostUpTo;
    if (this.#upTo === lost) this.#upTo = undefined;
    this.#lostUpTo = undefined;
    this.#refuted = 0;
    return lost;
  }
}
