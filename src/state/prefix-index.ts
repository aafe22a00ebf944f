import type { Blocks } from './blocks.ts';
import { doubled, NONE, NodeTable } from './node-table.ts';
import { MAX_SLOTS } from './slots.ts';

/** One entry, "worker `slot` holds block `node`": a link of its node's list and of its worker's list by last use. */
const NODE = 0;
const SLOT = 1;
const NEXT_IN_NODE = 2;
const NEWER = 3;
const OLDER = 4;
const STAMP = 5;
const STRIDE = 6;

const UNBOUNDED = 2 ** 31 - 1;
/** Between two evictions the index may grow past its size by this share. */
const SLACK = 1 / 8;

/**
 * Which worker holds which prompt prefix: chained block hashes → workers, each worker's blocks by last use and bounded by
 * what its engine can hold. A worker that has a block has all blocks before it: an insert uses the last block first, so
 * that the least recently used is always the end of a prompt. Flat arrays, no object per block or prompt.
 */
export class PrefixIndex {
  readonly #maxEntries: number;
  readonly #nodes = new NodeTable();
  #entries = new Int32Array(1024 * STRIDE);
  #next = 1;
  #free = NONE;
  #size = 0;
  #stamp = 0;
  /** Changes whenever a node comes or may have gone. */
  #version = 0;
  /** Slots used so far: scans go no further. */
  #slots = 0;
  readonly #newest = new Int32Array(MAX_SLOTS);
  readonly #oldest = new Int32Array(MAX_SLOTS);
  readonly #held = new Int32Array(MAX_SLOTS);
  readonly #capacity = new Int32Array(MAX_SLOTS).fill(UNBOUNDED);
  readonly #depth = new Int32Array(MAX_SLOTS);
  readonly #reached = new Int32Array(MAX_SLOTS);

  /** Keeps at most `maxEntries` entries (block and worker) after an eviction, an eighth more before it. */
  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  /** Entries: a block that two workers hold counts twice. */
  get size(): number {
    return this.#size;
  }

  /** Memory of the index. */
  get bytes(): number {
    return this.#nodes.bytes + this.#entries.byteLength + 6 * this.#held.byteLength;
  }

  /** Blocks that the worker holds. */
  held(slot: number): number {
    return this.#held[slot] as number;
  }

  /** Blocks that the worker can hold still. */
  room(slot: number): number {
    return (this.#capacity[slot] as number) - this.held(slot);
  }

  /** Sets how many blocks the worker can hold; the least recently used above that go. */
  setCapacity(slot: number, blocks: number): void {
    this.#capacity[slot] = Math.max(1, Math.min(UNBOUNDED, Math.floor(blocks)));
    this.#shrink(slot);
  }

  /** Writes to `out` how many of the blocks, from the first on, each of the `slots` holds. */
  match(blocks: Blocks, slots: ArrayLike<number>, out: { [index: number]: number }): void {
    this.#locate(blocks);
    const reached = this.#reachDepths(blocks);
    for (let i = 0; i < slots.length; i++) out[i] = this.#depth[slots[i] as number] as number;
    for (let i = 0; i < reached; i++) this.#depth[this.#reached[i] as number] = 0;
  }

  /** When the worker last used the last of the first `depth` blocks: comparable by `isBefore`; undefined if it has it not. */
  lastUse(blocks: Blocks, slot: number, depth: number): number | undefined {
    this.#locate(blocks);
    if (depth < 1 || depth > blocks.known) return undefined;
    const entry = this.#entryOf(blocks.nodes[depth - 1] as number, slot);
    return entry === NONE ? undefined : this.#entries[entry * STRIDE + STAMP];
  }

  /** The worker holds these blocks now and has just used them. Returns the time of this use, for `lastUse` and `isBefore`. */
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
    while (this.#oldest[slot] !== NONE) this.#drop(this.#oldest[slot] as number);
    this.#capacity[slot] = UNBOUNDED;
  }

  /** The worker has lost what it did not use since `stamp`. */
  forgetUnusedSince(slot: number, stamp: number): void {
    for (let oldest = this.#oldest[slot] as number; oldest !== NONE; oldest = this.#oldest[slot] as number) {
      if (isBefore(stamp, this.#entries[oldest * STRIDE + STAMP] as number)) return;
      this.#drop(oldest);
    }
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
    // From the end: who has a block has all before it, so only a node with more workers than its successor is worth a look.
    for (let i = blocks.known - 1; i >= 0; i--) {
      const node = blocks.nodes[i] as number;
      if (this.#nodes.count(node) <= reached) continue;
      for (let entry = this.#nodes.head(node); entry !== NONE; entry = this.#nextInNode(entry)) {
        const slot = this.#entries[entry * STRIDE + SLOT] as number;
        if (this.#depth[slot] !== 0) continue;
        this.#depth[slot] = i + 1;
        this.#reached[reached++] = slot;
      }
    }
    return reached;
  }

  #entryOf(node: number, slot: number): number {
    let entry = this.#nodes.head(node);
    while (entry !== NONE && this.#entries[entry * STRIDE + SLOT] !== slot) entry = this.#nextInNode(entry);
    return entry;
  }

  #nextInNode(entry: number): number {
    return this.#entries[entry * STRIDE + NEXT_IN_NODE] as number;
  }

  #add(node: number, slot: number): void {
    let entry = this.#free;
    if (entry === NONE) {
      if ((this.#next + 1) * STRIDE > this.#entries.length) this.#entries = doubled(this.#entries);
      entry = this.#next++;
    } else this.#free = this.#nextInNode(entry);
    const at = entry * STRIDE;
    this.#entries[at + NODE] = node;
    this.#entries[at + SLOT] = slot;
    this.#entries[at + NEXT_IN_NODE] = this.#nodes.head(node);
    this.#nodes.setHead(node, entry, 1);
    this.#held[slot] = this.held(slot) + 1;
    this.#size++;
    this.#link(entry, slot);
  }

  #use(entry: number, slot: number): void {
    if (this.#newest[slot] !== entry) {
      this.#unlink(entry, slot);
      this.#link(entry, slot);
    } else this.#entries[entry * STRIDE + STAMP] = this.#stamp;
  }

  /** Puts the entry at the recent end of its worker's list. */
  #link(entry: number, slot: number): void {
    const at = entry * STRIDE;
    const newest = this.#newest[slot] as number;
    this.#entries[at + STAMP] = this.#stamp;
    this.#entries[at + NEWER] = NONE;
    this.#entries[at + OLDER] = newest;
    if (newest === NONE) this.#oldest[slot] = entry;
    else this.#entries[newest * STRIDE + NEWER] = entry;
    this.#newest[slot] = entry;
  }

  #unlink(entry: number, slot: number): void {
    const newer = this.#entries[entry * STRIDE + NEWER] as number;
    const older = this.#entries[entry * STRIDE + OLDER] as number;
    if (newer === NONE) this.#newest[slot] = older;
    else this.#entries[newer * STRIDE + OLDER] = older;
    if (older === NONE) this.#oldest[slot] = newer;
    else this.#entries[older * STRIDE + NEWER] = newer;
  }

  #drop(entry: number): void {
    const slot = this.#entries[entry * STRIDE + SLOT] as number;
    const node = this.#entries[entry * STRIDE + NODE] as number;
    const next = this.#nextInNode(entry);
    const head = this.#nodes.head(node);
    this.#unlink(entry, slot);
    if (head === entry) this.#nodes.setHead(node, next, -1);
    else {
      let before = head;
      while (this.#nextInNode(before) !== entry) before = this.#nextInNode(before);
      this.#entries[before * STRIDE + NEXT_IN_NODE] = next;
      this.#nodes.setHead(node, head, -1);
    }
    if (this.#nodes.count(node) === 0) this.#nodes.remove(node);
    this.#entries[entry * STRIDE + NEXT_IN_NODE] = this.#free;
    this.#free = entry;
    this.#held[slot] = this.held(slot) - 1;
    this.#size--;
    this.#version++;
  }

  #shrink(slot: number): void {
    while (this.held(slot) > (this.#capacity[slot] as number)) this.#drop(this.#oldest[slot] as number);
  }

  /** Drops what was used least recently, one insert's entries on one worker after another. */
  #dropOldest(target: number, limit: number): void {
    let left = limit;
    while (this.#size > target && left > 0) {
      const slot = this.#stalest();
      const stamp = this.#entries[(this.#oldest[slot] as number) * STRIDE + STAMP];
      for (let oldest = this.#oldest[slot] as number; oldest !== NONE; oldest = this.#oldest[slot] as number) {
        if (this.#entries[oldest * STRIDE + STAMP] !== stamp || this.#size <= target || left-- <= 0) break;
        this.#drop(oldest);
      }
    }
  }

  /** The worker whose least recently used entry is the oldest of all. */
  #stalest(): number {
    let stalest = -1;
    let stamp = 0;
    for (let slot = 0; slot < this.#slots; slot++) {
      const oldest = this.#oldest[slot] as number;
      if (oldest === NONE) continue;
      const candidate = this.#entries[oldest * STRIDE + STAMP] as number;
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
