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

/** For so long the prefill server's call may go on once decode's answer is over. */
const PREFILL_LEFT_MS = 5_000;

/** Where one server broke off, for so long it shows whether the other does too: then no other pair is given the request. */
const PARTNER_MS = 50;

/** The prefill server's part of an attempt. */
interface Prefilling {
  readonly held: HeldAnswer;
  /** Where its answer is part of the client's. */
  readonly merging: MergingAnswer | undefined;
  /** Resolves when its call is over and its answer was read. */
  readonly prefilled: Promise<void>;
}

/** One attempt at both servers at once: decode's answer is the client's, and whoever fails first ends the other's call. */
export class Pair {
  readonly #prefill: WorkerCall;
  readonly #decode: WorkerCall;
  readonly #exchange: Exchange;
  readonly #mostHeldBytes: number;
  readonly #client: Relay;
  /** How the prefill server's call ended where nothing can be decoded after it. */
  #spoiled: Outcome | undefined;
  /** What went wrong in the router itself with the prefill server's answer. */
  #error: Error | undefined;
  #over = false;

  constructor(prefill: WorkerCall, decode: WorkerCall, exchange: Exchange, mostHeldBytes: number) {
    this.#prefill = prefill;
    this.#decode = decode;
    this.#exchange = exchange;
    this.#mostHeldBytes = mostHeldBytes;
    this.#client = new Relay(exchange, (headers) => prefill.describe(headers, 'prefill-'));
  }

  /** Sends `body` to both. With `logprobs`, those of the prompt are put into decode's answer. */
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

  /** Decode's call is over: what becomes of the attempt. */
  async #decoded(decoded: Outcome, { held, merging, prefilled }: Prefilling): Promise<AttemptEnd> {
    if (decoded.kind !== 'answered' || decoded.status >= 300) {
      if (broke(decoded)) await this.#endPrefill(prefilled);
      else this.#prefill.cancel();
      if (decoded.kind === 'answered' && !this.#spoiled) merging?.learned();
    }
    // What the prefill server tells is part of such an answer; else it may end by itself.
    if (merging) await prefilled;
    else this.#endPrefillSoon(prefilled);
    if (this.#error) throw this.#error;
    if (!this.#spoiled || this.#client.started) return { outcome: decoded, target: this.#decode.target };
    if (this.#spoiled.kind === 'answered') held.passTo(this.#client);
    return { outcome: this.#spoiled, target: this.#prefill.target };
  }

  /** Ends both now: nobody wants the answer any more. */
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

  /** Decode has its cache: a call that does not end now is nobody's, and would be counted until the request's time is over. */
  #endPrefillSoon(prefilled: Promise<void>): void {
    const timer = setTimeout(() => this.#prefill.cancel(), PREFILL_LEFT_MS);
    void prefilled.finally(() => clearTimeout(timer));
  }

  /** An error of the router itself. Decode's answer goes on only where the client has part of it, and nothing is to be put in. */
  #failed(error: Error, merges: boolean): void {
    if (this.#over) throw error;
    this.#error = error;
    if (merges || !this.#client.started) this.#decode.cancel();
  }

  /** A prefill that failed leaves nothing to decode, unless the cache has been handed over: then decode's answer has begun. */
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
