/** Half of the time that is remembered. */
const HALF_MS = 15_000;

/** Ended requests, and those that the worker is to blame for. */
interface Counts {
  answers: number;
  blamed: number;
}

/** Counts the outcomes of the last 15 to 30 seconds in two halves, so that no single request is remembered. */
export class AnswerCounts {
  #now: Counts = { answers: 0, blamed: 0 };
  #before: Counts = { answers: 0, blamed: 0 };
  #sinceMs = 0;

  answer(nowMs: number): void {
    this.#turn(nowMs);
    this.#now.answers++;
  }

  /** Blames the worker for one of the counted answers. */
  blame(nowMs: number): void {
    this.#turn(nowMs);
    this.#now.blamed++;
  }

  /** The sum of both halves. */
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
