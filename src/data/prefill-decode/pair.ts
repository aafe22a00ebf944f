import { RouterError } from '../../errors/errors.ts';
import type { AttemptEnd } from '../../link/assignment.ts';
import { failed, mayHaveDied } from '../../link/failure.ts';
import type { Outcome } from '../../link/outcome.ts';
import type { BodyHolder, Exchange } from '../exchange.ts';
import { Relay } from '../relay.ts';
import type { WorkerCall } from '../worker-call.ts';
import { eventsOf } from './events.ts';
import { HeldAnswer } from './held-answer.ts';
import type { PromptLogprobs } from './logprobs.ts';
import { MergingAnswer } from './merging-answer.ts';

/** Longest time that the prefill call may outlast decode's answer. */
const PREFILL_LEFT_MS = 5_000;

/** Wait after one server broke off, to see whether the other does too: then no other pair gets the request. */
const PARTNER_MS = 50;

/** The prefill server's part of an attempt. */
interface Prefilling {
  readonly held: HeldAnswer;
  /** Merges the prefill answer into the client's; undefined if nothing is merged. */
  readonly merging: MergingAnswer | undefined;
  /** Resolves when the prefill call has ended and its answer was read. */
  readonly prefilled: Promise<void>;
}

/** One attempt at both servers at once: decode's answer goes to the client, and the first failure ends both calls. */
export class Pair {
  readonly #prefill: WorkerCall;
  readonly #decode: WorkerCall;
  readonly #exchange: Exchange;
  readonly #mostHeldBytes: number;
  readonly #client: Relay;
  /** How the prefill call failed, if nothing can be decoded after it. */
  #spoiled: Outcome | undefined;
  /** An error of the router itself over the prefill answer. */
  #error: Error | undefined;
  #over = false;

  constructor(prefill: WorkerCall, decode: WorkerCall, exchange: Exchange, mostHeldBytes: number) {
    this.#prefill = prefill;
    this.#decode = decode;
    this.#exchange = exchange;
    this.#mostHeldBytes = mostHeldBytes;
    this.#client = new Relay(exchange, (headers) => prefill.describe(headers, 'prefill-'));
  }

  /** Sends `body` to both servers. With `logprobs`, the prompt's are merged into decode's answer. */
  async send(body: BodyHolder, logprobs: PromptLogprobs | undefined): Promise<AttemptEnd> {
    const mostBytes = this.#mostHeldBytes;
    const held = new HeldAnswer({ from: this.#prefill.target.url, whole: logprobs !== undefined, mostBytes });
    const merging = logprobs && new MergingAnswer(this.#client, logprobs, { from: this.#decode.target.url, mostBytes });
    this.#exchange.ongoing = this;
    const prefilled = this.#prefill
      .send(body, held)
      .then((outcome) => {
        this.#prefilled(outcome, held);
        if (!logprobs || this.#spoiled || outcome.kind !== 'answered') return;
        for (const json of eventsOf(held.body)) logprobs.learn(json);
        merging?.learned();
      })
      .catch((error: Error) => this.#failed(error, merging !== undefined));
    try {
      return await this.#decoded(await this.#decode.send(body, merging ?? this.#client), { held, merging, prefilled });
    } catch (error) {
      this.cancel();
      throw error;
    } finally {
      this.#over = true;
      this.#exchange.ongoing = undefined;
    }
  }

  /** Decides about the attempt once decode's call is over. */
  async #decoded(decoded: Outcome, { held, merging, prefilled }: Prefilling): Promise<AttemptEnd> {
    if (decoded.kind !== 'answered' || decoded.status >= 300) {
      if (broke(decoded)) await this.#endPrefill(prefilled);
      else this.#prefill.cancel();
      if (decoded.kind === 'answered' && !this.#spoiled) merging?.learned();
    }
    // A merged answer needs all of the prefill answer; any other does not wait for it.
    if (merging) await prefilled;
    else this.#endPrefillSoon(prefilled);
    if (this.#error) throw this.#error;
    if (!this.#spoiled || this.#client.started) return { outcome: decoded, target: this.#decode.target };
    if (this.#spoiled.kind === 'answered') held.passTo(this.#client);
    return { outcome: this.#spoiled, target: this.#prefill.target };
  }

  /** Ends both calls, as nobody wants the answer any more. */
  cancel(): void {
    this.#prefill.cancel();
    this.#decode.cancel();
  }

  async #endPrefill(prefilled: Promise<void>): Promise<void> {
    const timer = setTimeout(() => this.#prefill.cancel(), PARTNER_MS);
    await prefilled;
    clearTimeout(timer);
  }

  #endDecode(): void {
    if (!this.#client.started) this.#decode.cancel();
  }

  /** Ends a lingering prefill call: decode has the cache, and the call would count until the request times out. */
  #endPrefillSoon(prefilled: Promise<void>): void {
    const timer = setTimeout(() => this.#prefill.cancel(), PREFILL_LEFT_MS);
    void prefilled.finally(() => clearTimeout(timer));
  }

  /** Handles an error of the router itself: decode's answer goes on only if it has begun and nothing is merged. */
  #failed(error: Error, merges: boolean): void {
    if (this.#over) throw error;
    this.#error = error;
    if (merges || !this.#client.started) this.#decode.cancel();
  }

  /** A failed prefill ends the attempt, unless decode's answer has begun, which shows that the cache was handed over. */
  #prefilled(outcome: Outcome, held: HeldAnswer): void {
    if (outcome.kind === 'client_gone' || this.#client.started) return;
    if (outcome.kind !== 'answered' || outcome.status >= 300) this.#spoiled = outcome;
    else if (held.abort === 'failed') this.#spoiled = failed(this.#abortedBy(), false, true);
    else if (held.abort === 'refused') this.#spoiled = outcome;
    else return;
    if (broke(outcome)) setTimeout(() => this.#endDecode(), PARTNER_MS);
    else this.#endDecode();
  }

  #abortedBy(): RouterError {
    return new RouterError('worker_bad_response', `prefill server ${this.#prefill.target.url} aborted the request`);
  }
}

function broke(outcome: Outcome): boolean {
  return outcome.kind === 'failed' && mayHaveDied(outcome);
}
