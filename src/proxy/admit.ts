import { RouterError } from '../errors.ts';
import type { Exchange } from './exchange.ts';

export interface AdmissionLimits {
  /** Requests in flight at most; 0 or less lifts the cap. */
  readonly maxConcurrent: number;
  /** Requests waiting at most. */
  readonly queueSize: number;
  readonly queueTimeoutMs: number;
}

interface Waiter {
  readonly admit: () => void;
}

/** A true cap on requests in flight with a bounded first-in first-out queue before it. */
export class Admission {
  readonly #limits: AdmissionLimits;
  /** A Set keeps insertion order and gives up a waiter in the middle at no cost. */
  readonly #queue = new Set<Waiter>();
  #inFlight = 0;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get queued(): number {
    return this.#queue.size;
  }

  /**
   * Admits the exchange now (undefined) or when its turn comes (a promise). Rejects with `too_many_requests` when the
   * queue is full or the wait too long, and resolves at once when the client leaves, with nothing held.
   */
  enter(exchange: Exchange): Promise<void> | undefined {
    const { maxConcurrent, queueSize } = this.#limits;
    if (maxConcurrent <= 0 || this.#inFlight < maxConcurrent) {
      this.#hold(exchange);
      return undefined;
    }
    if (this.#queue.size >= queueSize) {
      return Promise.reject(
        this.#refusal(
          `${maxConcurrent} requests are in flight and ${queueSize} wait (--max-concurrent-requests, --queue-size)`,
        ),
      );
    }
    return this.#wait(exchange);
  }

  #hold(exchange: Exchange): void {
    this.#inFlight++;
    exchange.leave = () => {
      exchange.leave = undefined;
      this.#inFlight--;
      const [next] = this.#queue;
      next?.admit();
    };
  }

  #wait(exchange: Exchange): Promise<void> {
    return new Promise((resolve, reject) => {
      const { queueTimeoutMs } = this.#limits;
      const end = () => {
        clearTimeout(timer);
        this.#queue.delete(waiter);
        exchange.onGone = undefined;
      };
      const timer = setTimeout(() => {
        end();
        reject(this.#refusal(`waited ${queueTimeoutMs} ms for a free slot (--queue-timeout-secs)`));
      }, queueTimeoutMs);
      const waiter = {
        admit: () => {
          end();
          this.#hold(exchange);
          resolve();
        },
      };
      exchange.onGone = () => {
        end();
        resolve();
      };
      this.#queue.add(waiter);
    });
  }

  #refusal(reason: string): RouterError {
    return new RouterError('too_many_requests', `the router is full: ${reason}; try again`, { retryAfterSecs: 1 });
  }
}
