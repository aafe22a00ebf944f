/** Half of the time that is looked back on. */
const HALF_MS = 15_000;

/** Requests that came to an end, and those of them that the worker is to blame for. */
interface Counts {
  answers: number;
  blamed: number;
}

/** What requests came to in the last 15 to 30 seconds, in two halves so that nothing has to be remembered of each. */
export class AnswerCounts {
  #now: Counts = { answers: 0, blamed: 0 };
  #before: Counts = { answers: 0, blamed: 0 };
  #sinceMs = 0;

  answer(nowMs: number): void {
    this.#turn(nowMs);
    this.#now.answers++;
  }

  /** One of the answers counted before. */
  blame(nowMs: number): void {
    this.#turn(nowMs);
    this.#now.blamed++;
  }

  /** All of them. */
  sum(nowMs: number): Readonly<Counts> {
    this.#turn(nowMs);
    const answers = this.#before.answers + this.#now.answers;
    return { answers, blamed: Math.min(answers, this.#before.blamed + this.#now.blamed) };
  }

  clear(): void {
    this.#now = { answers: 0, blamed: 0 };
    this.#before = { answers: 0, blamed: 0 };
  }

  #turn(nowMs: number): void {
    const age = nowMs - this.#sinceMs;
    if (age < HALF_MS) return;
    this.#before = age < 2 * HALF_MS ? this.#now : { answers: 0, blamed: 0 };
    this.#now = { answers: 0, blamed: 0 };
    this.#sinceMs = nowMs;
  }
}
