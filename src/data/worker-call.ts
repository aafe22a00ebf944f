import type { Endpoint } from '../http/endpoint.ts';
import { isStale } from '../http/upstream/reuse-mark.ts';
import type { AssignedCall, CallReport, CallTarget } from '../link/assignment.ts';
import { GONE, type Outcome } from '../link/outcome.ts';
import { AnswerReader } from './answer-reader.ts';
import type { BodyHolder, Exchange } from './exchange.ts';
import { withRank } from './rank.ts';
import type { Sink } from './sink.ts';
import { Transmission, type TransmissionEnd, type TransmittedCall } from './transmission.ts';

/** One assigned call to a worker; it is transmitted again if its connection was found closed. */
export class WorkerCall implements TransmittedCall {
  readonly assigned: AssignedCall;
  readonly exchange: Exchange;
  readonly endpoint: Endpoint;
  readonly answer: AnswerReader;
  /** Attempts at the request before this one. */
  readonly retries: number;
  readonly deadlineMs: number;
  /** Prompt tokens cached at the prefill server; undefined without one. */
  cachedAtPrefill: number | undefined;
  #transmission: Transmission | undefined;
  #ended: Outcome | undefined;

  /** `aside` is set for a call whose answer is not for the client. */
  constructor(assigned: AssignedCall, { exchange, retries, deadlineMs }: CallParts, aside = false) {
    const { endpoint } = exchange;
    this.assigned = assigned;
    this.exchange = exchange;
    this.endpoint = endpoint;
    this.retries = retries;
    this.deadlineMs = deadlineMs;
    this.answer = new AnswerReader(aside ? undefined : endpoint.stores, (id) => assigned.report.stores(id));
  }

  get target(): CallTarget {
    return this.assigned.target;
  }

  get report(): CallReport {
    return this.assigned.report;
  }

  get traceparent(): string | undefined {
    return this.assigned.traceparent;
  }

  get streams(): boolean {
    return this.answer.streams;
  }

  describe(headers: string[], of = ''): void {
    const { choice, target } = this.assigned;
    headers.push(`x-sglang-router-${of}worker`, target.url, `x-sglang-router-${of}policy`, choice.policy);
    headers.push(`x-sglang-router-${of}matched`, String(choice.matchedBytes));
    if (choice.scores !== undefined) headers.push(`x-sglang-router-${of}explain`, choice.scores);
  }

  /** Sends the call; resolves when it has ended, however it did. */
  async send(whole: BodyHolder, sink: Sink): Promise<Outcome> {
    let outcome: Outcome = GONE;
    try {
      outcome = await this.#transmitWhole(this.#ranked(whole), sink);
    } finally {
      const usage = sink.usage ?? this.answer.usage();
      this.report.ended({ outcome, usage, cachedAtPrefill: this.cachedAtPrefill });
    }
    return outcome;
  }

  /** Ends the call, as nobody wants the answer any more. */
  cancel(): void {
    this.#ended = GONE;
    this.#transmission?.end(GONE);
  }

  /**
   * Transmits the call, and once more over a new connection if a kept one was found closed. A request that may not be repeated gets a
   * new connection from the start. What was sent first counts as sent, whatever becomes of the second.
   */
  async #transmitWhole(body: BodyHolder, sink: Sink): Promise<Outcome> {
    const { isResendable, reply } = this.exchange;
    const { outcome, ...first } = await this.#transmit(body, sink, !isResendable);
    if (!isResendable || this.#ended || outcome.kind !== 'failed' || !outcome.sent) return outcome;
    // The body was released once an answer had begun.
    if (!isStale(outcome.error, first.answerBegan, first.tookMs) || reply.started) return outcome;
    const { outcome: second } = await this.#transmit(body, sink, true);
    return second.kind === 'failed' ? { ...second, sent: true } : second;
  }

  /** This is no async function, whose frame would hold the body as long as the call lasts. */
  #transmit({ body }: BodyHolder, sink: Sink, fresh: boolean): Promise<TransmissionEnd> {
    // The scheduler of another thread may assign a call before it hears that the client has left.
    const ended = this.exchange.gone ? GONE : this.#ended;
    if (ended) return Promise.resolve({ outcome: ended, answerBegan: false, tookMs: 0 });
    this.#transmission = new Transmission(this, body.length, sink);
    this.#transmission.start(body, fresh);
    return this.#transmission.whenEnded;
  }

  #ranked(whole: BodyHolder): BodyHolder {
    const { rank } = this.target;
    return rank === undefined ? whole : this.exchange.changed(withRank(whole.body, this.endpoint, rank));
  }
}

/** What a call needs of its request and of its attempt. */
interface CallParts {
  readonly exchange: Exchange;
  readonly retries: number;
  readonly deadlineMs: number;
}
