import { MAX_SLOTS } from '../../fleet/slots.ts';
import type { Blocks } from './blocks.ts';
import { GrowingInts } from './growing-ints.ts';
import { NONE, NodeTable } from './node-table.ts';

/** One entry, "worker `slot` holds block `node`": a link of its node's list and of its worker's list by last use. */
const NODE = 0;
const SLOT = 1;
const NEXT_IN_NODE = 2;
const NEWER = 3;
const OLDER = 4;
const STAMP = 5;
const STRIDE = 6;

const UNBOUNDED = 2 ** 31 - 1;
/** Most entries that an insert or a new capacity drops; `tidy` drops the rest. */
const DROPPED_AT_ONCE = 2_000;
/** Looking for the stalest of so many workers costs as much as dropping an entry. */
const WORKERS_PER_DROP = 64;
/** Between two evictions the index may grow past its size by this share. */
const SLACK = 1 / 8;

/**
 * Which worker holds which prompt prefix: chained block hashes → workers, each worker's blocks by last use and bounded by
 * what its engine can hold. A worker that has a block has all blocks before it: an insert uses the last block first, so
 * that the least recently used is always the end of a prompt. Flat arrays, no object per block or prompt. Nothing takes long
 * however much is held: what is forgotten does not count at once, and is dropped by and by (`tidy`).
 */
export class PrefixIndex {
  readonly #maxEntries: number;
  readonly #nodes = new NodeTable();
  readonly #entries = new GrowingInts();
  #next = 1;
  #free = NONE;
  #size = 0;
  #stamp = 0;
  /** Changes whenever nodes were added or may have been removed. */
  #version = 0;
  /** Slots used so far: scans go no further. */
  #slots = 0;
  readonly #newest = new Int32Array(MAX_SLOTS);
  readonly #oldest = new Int32Array(MAX_SLOTS);
  readonly #held = new Int32Array(MAX_SLOTS);
  readonly #capacity = new Int32Array(MAX_SLOTS).fill(UNBOUNDED);
  /** Entries of a worker up to this use do not count, and wait to be dropped. */
  readonly #horizon = new Int32Array(MAX_SLOTS);
  readonly #hasHorizon = new Uint8Array(MAX_SLOTS);
  /** The use at which all of a worker's entries were forgotten, and how many of them are left; `#held` leaves them out. */
  readonly #forgotten = new Int32Array(MAX_SLOTS);
  readonly #dead = new Int32Array(MAX_SLOTS);
  /** Workers with something to drop. */
  readonly #untidy = new Set<number>();
  readonly #depth = new Int32Array(MAX_SLOTS);
  /** Last use of the block at that depth. */
  readonly #used = new Int32Array(MAX_SLOTS);
  readonly #reached = new Int32Array(MAX_SLOTS);

  /** Keeps at most `maxEntries` entries (block and worker) after an eviction, an eighth more before it. */
  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  /** Entries: a block that two workers hold counts twice, and what is forgotten counts until it is dropped. */
  get size(): number {
    return this.#size;
  }

  /** The number of the latest use. */
  get latestUse(): number {
    return this.#stamp;
  }

  /** Bytes of memory that the index takes. */
  get bytes(): number {
    return this.#nodes.bytes + this.#entries.bytes + 10 * this.#held.byteLength;
  }

  /** Blocks that the worker holds. */
  held(slot: number): number {
    return this.#held[slot] as number;
  }

  /** Blocks that the worker still has room for. */
  room(slot: number): number {
    return (this.#capacity[slot] as number) - this.held(slot);
  }

  /** Sets how many blocks the worker can hold; `tidy` drops the least recently used above that. */
  setCapacity(slot: number, blocks: number): void {
    this.#capacity[slot] = Math.max(1, Math.min(UNBOUNDED, Math.floor(blocks)));
    if (this.room(slot) < 0) this.#untidy.add(slot);
  }

  /** Writes to `out` how many leading blocks each of the `slots` holds, and to `uses` its last use of the last of them, for `isBefore`. */
  match(
    blocks: Blocks,
    slots: ArrayLike<number>,
    out: { [index: number]: number },
    uses?: { [index: number]: number },
  ): void {
    this.#locate(blocks);
    const reached = this.#reachDepths(blocks);
    for (let i = 0; i < slots.length; i++) {
      out[i] = this.#depth[slots[i] as number] as number;
      if (uses && out[i] !== 0) uses[i] = this.#used[slots[i] as number] as number;
    }
    for (let i = 0; i < reached; i++) this.#depth[this.#reached[i] as number] = 0;
  }

  /** The worker holds these blocks now and has just used them. Returns this use, for `isBefore`. */
  insert(blocks: Blocks, slot: number): number {
    this.#locate(blocks);
    this.#stamp = (this.#stamp + 1) | 0;
    this.#slots = Math.max(this.#slots, slot + 1);
    const count = Math.min(blocks.count, this.#capacity[slot] as number);
    for (let i = count - 1; i >= 0; i--) {
      if (i >= blocks.known) blocks.nodes[i] = this.#nodes.add(blocks.lo[i] as number, blocks.hi[i] as number);
      const node = blocks.nodes[i] as number;
      const entry = i < blocks.known ? this.#entryOf(node, slot) : NONE;
      if (entry === NONE) this.#add(node, slot);
      else this.#use(entry, slot);
    }
    if (count > blocks.known) {
      blocks.known = count;
      blocks.version = ++this.#version;
    }
    this.#shrink(slot);
    if (this.#size > this.#maxEntries * (1 + SLACK)) this.#dropOldest(this.#maxEntries * (1 + SLACK), UNBOUNDED);
    return this.#stamp;
  }

  /** The worker is gone or starts with an empty cache. */
  forget(slot: number): void {
    this.#capacity[slot] = UNBOUNDED;
    this.#dead[slot] = (this.#dead[slot] as number) + this.held(slot);
    this.#held[slot] = 0;
    this.#forgotten[slot] = this.#stamp;
    this.#setHorizon(slot, this.#stamp);
  }

  /** The worker has lost what it did not use since `stamp`. */
  forgetUnusedSince(slot: number, stamp: number): void {
    if (this.#hasHorizon[slot] === 0 || isBefore(this.#horizon[slot] as number, stamp)) this.#setHorizon(slot, stamp);
  }

  /** Drops what was forgotten and what is beyond a worker's capacity, at most `limit` entries; true when that was all. */
  tidy(limit = UNBOUNDED): boolean {
    this.#dropUncounted(limit);
    return this.#untidy.size === 0;
  }

  /** Drops the least recently used entries of all workers above the size, at most `limit` of them; true when that was all. */
  evict(limit = UNBOUNDED): boolean {
    this.#dropOldest(this.#maxEntries, limit);
    return this.#size <= this.#maxEntries;
  }

  /** Finds the nodes of the blocks, from the first to the first that nobody has. */
  #locate(blocks: Blocks): void {
    if (blocks.version === this.#version) return;
    let known = 0;
    while (known < blocks.count) {
      const node = this.#nodes.find(blocks.lo[known] as number, blocks.hi[known] as number);
      if (node === NONE) break;
      blocks.nodes[known++] = node;
    }
    blocks.known = known;
    blocks.version = this.#version;
  }

  /** Sets #depth of every worker that holds the first block; returns how many they are, listed in #reached. */
  #reachDepths(blocks: Blocks): number {
    let reached = 0;
    // Goes from the end: who has a block has all before it, so only nodes with more workers than their successor matter.
    for (let i = blocks.known - 1; i >= 0; i--) {
      const node = blocks.nodes[i] as number;
      if (this.#nodes.count(node) <= reached) continue;
      for (let entry = this.#nodes.head(node); entry !== NONE; entry = this.#nextInNode(entry)) {
        const slot = this.#entries.get(entry * STRIDE + SLOT);
        if (this.#depth[slot] !== 0 || !this.#counts(entry, slot)) continue;
        this.#depth[slot] = i + 1;
        this.#used[slot] = this.#entries.get(entry * STRIDE + STAMP);
        this.#reached[reached++] = slot;
      }
    }
    return reached;
  }

  #setHorizon(slot: number, stamp: number): void {
    if (this.#oldest[slot] === NONE) return;
    this.#horizon[slot] = stamp;
    this.#hasHorizon[slot] = 1;
    this.#untidy.add(slot);
  }

  /** Whether the worker still holds the block of its entry. */
  #counts(entry: number, slot: number): boolean {
    return (
      this.#hasHorizon[slot] === 0 || isBefore(this.#horizon[slot] as number, this.#entries.get(entry * STRIDE + STAMP))
    );
  }

  /** Whether the entry dates from before its worker's entries were forgotten. */
  #isDead(entry: number, slot: number): boolean {
    if (this.#dead[slot] === 0) return false;
    return !isBefore(this.#forgotten[slot] as number, this.#entries.get(entry * STRIDE + STAMP));
  }

  #entryOf(node: number, slot: number): number {
    let entry = this.#nodes.head(node);
    while (entry !== NONE && this.#entries.get(entry * STRIDE + SLOT) !== slot) entry = this.#nextInNode(entry);
    return entry;
  }

  #nextInNode(entry: number): number {
    return this.#entries.get(entry * STRIDE + NEXT_IN_NODE);
  }

  #add(node: number, slot: number): void {
    let entry = this.#free;
    if (entry === NONE) {
      this.#entries.reserve((this.#next + 1) * STRIDE);
      entry = this.#next++;
    } else this.#free = this.#nextInNode(entry);
    const at = entry * STRIDE;
    this.#entries.set(at + NODE, node);
    this.#entries.set(at + SLOT, slot);
    this.#entries.set(at + NEXT_IN_NODE, this.#nodes.head(node));
    this.#nodes.setHead(node, entry, 1);
    this.#held[slot] = this.held(slot) + 1;
    this.#size++;
    this.#link(entry, slot);
  }

  #use(entry: number, slot: number): void {
    if (this.#isDead(entry, slot)) {
      this.#dead[slot] = (this.#dead[slot] as number) - 1;
      this.#held[slot] = this.held(slot) + 1;
    }
    if (this.#newest[slot] !== entry) {
      this.#unlink(entry, slot);
      this.#link(entry, slot);
    } else this.#entries.set(entry * STRIDE + STAMP, this.#stamp);
  }

  /** Puts the entry at the recent end of its worker's list. */
  #link(entry: number, slot: number): void {
    const at = entry * STRIDE;
    const newest = this.#newest[slot] as number;
    this.#entries.set(at + STAMP, this.#stamp);
    this.#entries.set(at + NEWER, NONE);
    this.#entries.set(at + OLDER, newest);
    if (newest === NONE) this.#oldest[slot] = entry;
    else this.#entries.set(newest * STRIDE + NEWER, entry);
    this.#newest[slot] = entry;
  }

  #unlink(entry: number, slot: number): void {
    const newer = this.#entries.get(entry * STRIDE + NEWER);
    const older = this.#entries.get(entry * STRIDE + OLDER);
    if (newer === NONE) this.#newest[slot] = older;
    else this.#entries.set(newer * STRIDE + OLDER, older);
    if (older === NONE) this.#oldest[slot] = newer;
    else this.#entries.set(older * STRIDE + NEWER, newer);
  }

  #drop(entry: number): void {
    const slot = this.#entries.get(entry * STRIDE + SLOT);
    const node = this.#entries.get(entry * STRIDE + NODE);
    const next = this.#nextInNode(entry);
    const head = this.#nodes.head(node);
    if (this.#isDead(entry, slot)) this.#dead[slot] = (this.#dead[slot] as number) - 1;
    else this.#held[slot] = this.held(slot) - 1;
    this.#unlink(entry, slot);
    if (head === entry) this.#nodes.setHead(node, next, -1);
    else {
      let before = head;
      while (this.#nextInNode(before) !== entry) before = this.#nextInNode(before);
      this.#entries.set(before * STRIDE + NEXT_IN_NODE, next);
      this.#nodes.setHead(node, head, -1);
    }
    if (this.#nodes.count(node) === 0) this.#nodes.remove(node);
    this.#entries.set(entry * STRIDE + NEXT_IN_NODE, this.#free);
    this.#free = entry;
    this.#size--;
    this.#version++;
  }

  #shrink(slot: number): void {
    for (let left = DROPPED_AT_ONCE; this.room(slot) < 0 && left > 0; left--) this.#drop(this.#oldest[slot] as number);
    if (this.room(slot) < 0) this.#untidy.add(slot);
  }

  /** Drops what does not count any more, or is beyond a worker's capacity; returns how many entries those were. */
  #dropUncounted(limit: number): number {
    let dropped = 0;
    for (const slot of this.#untidy) {
      for (; dropped < limit; dropped++) {
        const oldest = this.#oldest[slot] as number;
        if (oldest === NONE || (this.#counts(oldest, slot) && this.room(slot) >= 0)) break;
        this.#drop(oldest);
      }
      if (dropped >= limit) return dropped;
      this.#hasHorizon[slot] = 0;
      this.#untidy.delete(slot);
    }
    return dropped;
  }

  /** Drops what does not count, then what was used least recently, one insert's entries on one worker after another. */
  #dropOldest(target: number, limit: number): void {
    let left = limit;
    while (this.#size > target && left > 0) {
      left -= this.#dropUncounted(Math.min(left, this.#size - target));
      if (this.#size <= target || left <= 0) return;
      left -= Math.floor(this.#slots / WORKERS_PER_DROP);
      const slot = this.#stalest();
      const stamp = this.#entries.get((this.#oldest[slot] as number) * STRIDE + STAMP);
      for (let oldest = this.#oldest[slot] as number; oldest !== NONE; oldest = this.#oldest[slot] as number) {
        if (this.#entries.get(oldest * STRIDE + STAMP) !== stamp || this.#size <= target || left-- <= 0) break;
        this.#drop(oldest);
      }
    }
  }

  /** The slot of the worker with the oldest entry. */
  #stalest(): number {
    let stalest = -1;
    let stamp = 0;
    for (let slot = 0; slot < this.#slots; slot++) {
      const oldest = this.#oldest[slot] as number;
      if (oldest === NONE) continue;
      const candidate = this.#entries.get(oldest * STRIDE + STAMP);
      if (stalest >= 0 && !isBefore(candidate, stamp)) continue;
      stalest = slot;
      stamp = candidate;
    }
    return stalest;
  }
}

/** Order of two uses; the counter wraps, so only uses less than 2³¹ inserts apart compare rightly. */
export function isBefore(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}
