import type { ChosenCall, Comparison, WorkerCallEnd } from './call.ts';
import type { Clock } from './clock.ts';
import { Conduct, type ConductOwner } from './conduct.ts';

/** Compares a worker with its peers, and is told what follows. */
type ConductsOwner = Pick<ConductOwner, 'hasPeers' | 'blamed' | 'ejectionChanged'>;

export interface OutlierOptions {
  /** Whether workers may be held back at all. */
  readonly enabled: boolean;
  /** Whether a request with a doubted answer may be sent to another worker. */
  readonly compares: boolean;
}

/** How one worker answers each kind of request: a model without embeddings may chat well. */
export class Conducts implements ConductOwner {
  readonly clock: Clock;
  readonly compares: boolean;
  heldKinds = 0;
  readonly #owner: ConductsOwner;
  readonly #enabled: boolean;
  readonly #byKind = new Map<string, Conduct>();

  constructor(clock: Clock, owner: ConductsOwner, { enabled, compares }: OutlierOptions) {
    this.clock = clock;
    this.compares = compares;
    this.#owner = owner;
    this.#enabled = enabled;
  }

  /** Whether requests of that kind should go to other workers now. */
  holds(kind: string | undefined): boolean {
    return this.heldKinds > 0 && kind !== undefined && (this.#byKind.get(kind)?.holds ?? false);
  }

  /** Why the worker was taken out; undefined if it was not. */
  get problem(): string | undefined {
    if (this.heldKinds === 0) return undefined;
    const reasons = [...this.#byKind.values()].flatMap(({ ejected }) => ejected ?? []);
    return reasons.length === 0 ? undefined : `taken out for errors that others do not give: ${reasons.join('; ')}`;
  }

  /** Errors in a row, of all kinds together. */
  get errorsInARow(): number {
    let sum = 0;
    for (const { errorsInARow } of this.#byKind.values()) sum += errorsInARow;
    return sum;
  }

  of(kind: string): Conduct | undefined {
    return this.#byKind.get(kind);
  }

  chosen(call: ChosenCall): void {
    const { kind } = call;
    if (kind === undefined || !this.#enabled) return;
    let conduct = this.#byKind.get(kind);
    if (!conduct) {
      conduct = new Conduct(kind, this);
      this.#byKind.set(kind, conduct);
    }
    conduct.chosen(call);
  }

  doubts(call: ChosenCall): boolean {
    return this.#conductOf(call)?.doubts(call) ?? false;
  }

  comparing(call: ChosenCall): void {
    this.#conductOf(call)?.comparing();
  }

  compared(call: ChosenCall, comparison: Comparison, wasAwaited: boolean): void {
    this.#conductOf(call)?.compared(comparison, wasAwaited);
  }

  answered(call: ChosenCall): void {
    this.#conductOf(call)?.answered(call);
  }

  ended(call: ChosenCall, end: WorkerCallEnd): void {
    this.#conductOf(call)?.ended(call, end);
  }

  reset(): void {
    for (const conduct of this.#byKind.values()) conduct.reset();
  }

  close(): void {
    for (const conduct of this.#byKind.values()) conduct.close();
  }

  hasPeers(conduct: Conduct): boolean {
    return this.#owner.hasPeers(conduct);
  }

  blamed(conduct: Conduct): void {
    this.#owner.blamed(conduct);
  }

  ejectionChanged(conduct: Conduct): void {
    this.#owner.ejectionChanged(conduct);
  }

  #conductOf({ kind }: ChosenCall): Conduct | undefined {
    return kind === undefined ? undefined : this.#byKind.get(kind);
  }
}
