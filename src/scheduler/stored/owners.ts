import type { StoredKind } from '../../http/endpoint.ts';

/** A stored object that a request refers to. */
export interface Reference {
  readonly kind: StoredKind;
  readonly id: string;
}

/** Ids in one generation, at most 5 MB; two generations are kept. */
const MOST_IDS = 2 ** 15;
/** Ids that need no escape in a path; engines make ids of 40 characters. */
const ID = /^(?!\.+$)[\w.:~-]{1,128}$/;

/** Which worker stores which object, as answers told. Ids live for two generations, so forgetting costs nothing; each kind has its own ids, as clients may choose a session's. */
export class Owners {
  #young = new Map<string, string>();
  #old = new Map<string, string>();
  readonly #kinds = new Set<StoredKind>();

  /** Whether the owner of any object of that kind is known. */
  knowsAny(kind: StoredKind): boolean {
    return this.#kinds.has(kind);
  }

  /** The URL of the target that stores it; undefined if unknown or forgotten. */
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

/** Whether the text may be an engine's id, so that it may be remembered and asked for. */
export function isId(text: string): boolean {
  return ID.test(text);
}

function keyOf({ kind, id }: Reference): string {
  return `${kind} ${id}`;
}
