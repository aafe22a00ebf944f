import type { StoredKind } from '../../http/endpoint.ts';

/** What a request refers to that one worker stores. */
export interface Reference {
  readonly kind: StoredKind;
  readonly id: string;
}

/** Ids of one generation, 5 MB with the longest; two are kept. */
const MOST_IDS = 2 ** 15;
/** Ids that can stand in a path as they are; engines make theirs of 40 characters. */
const ID = /^(?!\.+$)[\w.:~-]{1,128}$/;

/**
 * Which worker stores what, as answers told it. Two generations: forgetting costs nothing, whatever number of ids there is. A kind's ids
 * are its own, for a client may choose that of its session.
 */
export class Owners {
  #young = new Map<string, string>();
  #old = new Map<string, string>();
  readonly #kinds = new Set<StoredKind>();

  /** Whether the worker of anything of that kind is known. */
  knowsAny(kind: StoredKind): boolean {
    return this.#kinds.has(kind);
  }

  /** The URL of the target that stores it; undefined where that is not known (any more). */
  find(reference: Reference): string | undefined {
    const key = keyOf(reference);
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.#put(key, old);
    return old;
  }

  learn(reference: Reference, url: string): void {
    if (!isId(reference.id)) return;
    this.#kinds.add(reference.kind);
    this.#put(keyOf(reference), url);
  }

  #put(key: string, url: string): void {
    if (this.#young.size >= MOST_IDS) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, url);
  }
}

/** Whether it looks like an id that an engine has made, so that it may be remembered and asked for. */
export function isId(text: string): boolean {
  return ID.test(text);
}

function keyOf({ kind, id }: Reference): string {
  return `${kind} ${id}`;
}
