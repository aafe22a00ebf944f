import type { Log } from '../log/log.ts';
import type { Transport } from './endpoint.ts';
import { encodeSpans } from './otlp.ts';
import type { Span } from './span.ts';

const DELAY_MS = 1_000;
const MOST_IN_BATCH = 512;
/** Spans that wait while the collector is slow or away; further ones are dropped. */
const MOST_WAITING = 4_096;

/** Collects spans and sends them together, one export at a time. A collector that is away costs nothing but its spans. */
export class Batch {
  readonly #transport: Transport;
  readonly #version: string;
  readonly #log: Log;
  #waiting: Span[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #failing = false;
  #dropped = 0;

  constructor(transport: Transport, version: string, log: Log) {
    this.#transport = transport;
    this.#version = version;
    this.#log = log;
  }

  add(span: Span): void {
    if (this.#waiting.length >= MOST_WAITING) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(span);
    if (this.#waiting.length >= MOST_IN_BATCH) void this.#send();
    else this.#timer ??= setTimeout(() => void this.#send(), DELAY_MS).unref();
  }

  /** Sends what waits, for as long as `graceMs`. */
  async close(graceMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, graceMs);
    });
    const all = async () => {
      while (this.#sending || this.#waiting.length > 0) await (this.#sending ?? this.#send());
    };
    await Promise.race([all(), late]);
    clearTimeout(timer);
    clearTimeout(this.#timer);
    this.#transport.close();
  }

  #send(): Promise<void> | undefined {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#sending || this.#waiting.length === 0) return this.#sending;
    const spans = this.#waiting.splice(0, MOST_IN_BATCH);
    this.#sending = this.#transport
      .send(encodeSpans(spans, this.#version))
      .then(
        () => this.#sent(),
        (error: Error) => this.#lost(spans.length, error),
      )
      .then(() => {
        this.#sending = undefined;
        if (this.#waiting.length > 0) this.#timer ??= setTimeout(() => void this.#send(), DELAY_MS).unref();
      });
    return this.#sending;
  }

  #sent(): void {
    if (this.#failing) this.#log.info('traces are sent again', { dropped: this.#dropped });
    this.#failing = false;
    this.#dropped = 0;
  }

  #lost(spans: number, error: Error): void {
    this.#dropped += spans;
    if (!this.#failing) this.#log.warning('traces cannot be sent (--otlp-traces-endpoint)', { problem: error.message });
    this.#failing = true;
  }
}
