import { buildSnapshot } from './build-snapshot.ts';
import type { Decisions } from './decisions.ts';
import { difference } from './difference.ts';
import type { Facts } from './facts.ts';
import type { Snapshot } from './snapshot.ts';
import { readTotals, type Totals } from './totals.ts';
import { WatchedLoads } from './watched-loads.ts';

/** Rates and percentiles are over what was counted since the oldest of these. */
const KEPT_EVERY_MS = 10_000;
const MOST_KEPT = 6;

/** Makes snapshots while somebody looks; before and after it costs nothing. */
export class Watch {
  readonly #facts: Facts;
  readonly #decisions: Decisions;
  readonly #loads: WatchedLoads;
  #watchers = 0;
  /** The oldest first. */
  #kept: Totals[] = [];
  #previous: Totals | undefined;

  constructor(facts: Facts, decisions: Decisions) {
    this.#facts = facts;
    this.#decisions = decisions;
    this.#loads = new WatchedLoads(facts.registry);
  }

  /** A viewer comes. */
  begin(): void {
    if (this.#watchers++ > 0) return;
    this.#decisions.start();
    this.#loads.start();
  }

  /** A viewer leaves. */
  end(): void {
    if (--this.#watchers > 0) return;
    this.#decisions.stop();
    this.#loads.stop();
    this.#kept = [];
    this.#previous = undefined;
  }

  /** Resolves when the workers have told their loads, or after `withinMs`. */
  loadsKnown(withinMs: number): Promise<void> {
    return this.#loads.complete(withinMs);
  }

  /** The next one for those who look all the time: what `lastSecond` tells begins with the one before. */
  next(): Snapshot {
    const totals = this.#read();
    const [oldest] = this.#kept;
    const snapshot = this.#build(totals, oldest ?? totals, this.#previous);
    this.#previous = totals;
    const latest = this.#kept.at(-1);
    if (!latest || totals.atMs - latest.atMs >= KEPT_EVERY_MS) this.#kept.push(totals);
    if (this.#kept.length > MOST_KEPT) this.#kept.shift();
    return snapshot;
  }

  /** A single one: over the last minute where there were viewers for so long, else since the router was started. */
  once(): Snapshot {
    const isFull = this.#kept.length === MOST_KEPT;
    return this.#build(this.#read(), isFull ? this.#kept[0] : undefined, undefined);
  }

  #read(): Totals {
    return readTotals(this.#facts.families, performance.now(), this.#previous);
  }

  #build(totals: Totals, oldest: Totals | undefined, previous: Totals | undefined): Snapshot {
    return buildSnapshot({
      facts: this.#facts,
      totals,
      window: difference(totals, oldest, 0),
      lastSecond: previous && difference(totals, previous, 0),
      loads: this.#loads,
      decisions: this.#decisions,
    });
  }
}
