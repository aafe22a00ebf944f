interface Entry<T, E> {
  readonly element: E;
  shown: T | undefined;
}

/** One element a value, in their order. Elements stay what they are while their value is there, so that focus and selection do too. */
export class KeyedList<T, E extends HTMLElement> {
  readonly #parent: HTMLElement;
  readonly #keyOf: (value: T) => string;
  readonly #make: (value: T) => E;
  readonly #show: (element: E, value: T) => void;
  readonly #elements = new Map<string, Entry<T, E>>();

  constructor(
    parent: HTMLElement,
    keyOf: (value: T) => string,
    element: { readonly make: (value: T) => E; readonly show: (element: E, value: T) => void },
  ) {
    this.#parent = parent;
    this.#keyOf = keyOf;
    this.#make = element.make;
    this.#show = element.show;
  }

  show(values: readonly T[]): void {
    const keys = new Set(values.map(this.#keyOf));
    for (const [key, { element }] of this.#elements) {
      if (keys.has(key)) continue;
      element.remove();
      this.#elements.delete(key);
    }
    let next = this.#parent.firstElementChild;
    for (const value of values) {
      const entry = this.#entryOf(value);
      if (entry.element === next) next = next.nextElementSibling;
      else this.#parent.insertBefore(entry.element, next);
      this.#update(entry, value);
    }
  }

  /** Shows the values that have an element already; nothing comes, goes or moves. */
  refresh(values: readonly T[]): void {
    for (const value of values) {
      const entry = this.#elements.get(this.#keyOf(value));
      if (entry) this.#update(entry, value);
    }
  }

  #entryOf(value: T): Entry<T, E> {
    const key = this.#keyOf(value);
    let entry = this.#elements.get(key);
    if (!entry) {
      entry = { element: this.#make(value), shown: undefined };
      this.#elements.set(key, entry);
    }
    return entry;
  }

  /** Of a thousand workers most are as they were. */
  #update(entry: Entry<T, E>, value: T): void {
    if (entry.shown === value) return;
    entry.shown = value;
    this.#show(entry.element, value);
  }
}
