/** What a policy sees of a worker: nothing of health, breakers or configuration. */
export interface Candidate {
  readonly url: string;
  /** Requests in flight, counted at the choice. */
  readonly load: number;
}

/** Picks one of the workers that may receive a request; does no I/O. */
export interface Policy {
  readonly name: string;
  /** `candidates` is never empty and holds only available workers. */
  pick<C extends Candidate>(candidates: readonly C[]): C;
}

/** Uniform in [0, 1); injected so that tests can choose. */
export type Random = () => number;
