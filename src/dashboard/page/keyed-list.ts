/** One element a value, in their order. Elements stay what they are while their value is there, so that focus and selection do too. */
export class KeyedList<T, E extends HTMLElement> {
  readonly #parent: HTMLElement;
  readonly #keyOf: (value: T) => string;
  readonly #make: (value: T) => E;
  readonly #show: (element: E, value: T) => void;
  readonly #elements = new Map<string, E>();

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
    for (const [key, element] of this.#elements) {
      if (keys.has(key)) continue;
      element.remove();
      this.#elements.delete(key);
    }
    let next = this.#parent.firstElementChild;
    for (const value of values) {
      const element = this.#elementOf(value);
      if (element === next) next = next.nextElementSibling;
      else this.#parent.insertBefore(element, next);
      this.#show(element, value);
    }
  }

  /** Shows the values that have an element already; nothing comes, goes or moves. */
  refresh(values: readonly T[]): void {
    for (const value of values) {
      const element = this.#elements.get(this.#keyOf(value));
      if (element) this.#show(element, value);
    }
  }

  #elementOf(value: T): E {
    const key = this.#keyOf(value);
    let element = this.#elements.get(key);
    if (!element) {
      element = this.#make(value);
      this.#elements.set(key, element);
    }
    return element;
  }
}
