import { RouterError } from '../errors/errors.ts';
import type { Reply } from '../http/edge/reply.ts';
import { CHANGES, changesSince } from './changes.ts';
import type { Snapshot } from './snapshot.ts';
import type { Watch } from './watch.ts';

const EVERY_MS = 1_000;
/** With more workers every other second: a snapshot of a thousand takes 10 to 15 ms. */
const MANY_WORKERS = 256;
/** For workers to tell their loads, where nobody has looked before. */
const LOADS_WITHIN_MS = 1_000;
const MOST_READERS = 32;

/** One snapshot a second for all who look, each on a long answer to its request. */
export class Feed {
  readonly #watch: Watch;
  readonly #readers = new Set<Reader>();
  #timer: NodeJS.Timeout | undefined;
  #once: Promise<Snapshot> | undefined;
  /** What was sent last, to all who read along. */
  #last: Snapshot | undefined;
  #isRest = false;

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  /** Answers a request with snapshots, until the client leaves or may look no more. Throws a RouterError where too many look already. */
  follow(reply: Reply, mayLook: () => boolean): void {
    if (this.#readers.size >= MOST_READERS) {
      const message = `expected at most ${MOST_READERS} dashboards at once; close one`;
      throw new RouterError('too_many_connections', message, { retryAfterSecs: 5 });
    }
    this.#watch.begin();
    const reader = new Reader(reply, mayLook, () => this.#left(reader));
    this.#readers.add(reader);
    reader.send(eventOf(this.#watch.next()));
    this.#timer ??= setInterval(() => this.#tick(), EVERY_MS).unref();
  }

  /** One snapshot, with the loads of the workers; who asks meanwhile gets the same. */
  once(): Promise<Snapshot> {
    this.#once ??= this.#take().finally(() => {
      this.#once = undefined;
    });
    return this.#once;
  }

  close(): void {
    clearInterval(this.#timer);
    for (const reader of this.#readers) reader.cut();
    this.#readers.clear();
  }

  async #take(): Promise<Snapshot> {
    this.#watch.begin();
    try {
      await this.#watch.loadsKnown(LOADS_WITHIN_MS);
      return this.#watch.once();
    } finally {
      this.#watch.end();
    }
  }

  #tick(): void {
    const isLarge = this.#last !== undefined && this.#last.workers.length > MANY_WORKERS;
    this.#isRest = isLarge && !this.#isRest;
    if (this.#isRest) return;
    const now = this.#watch.next();
    const last = this.#last;
    const changes = last && changesSince(last, now);
    const { current = [], others = [] } = Object.groupBy(this.#readers, ({ has }) =>
      changes && has === last ? 'current' : 'others',
    );
    if (changes && current.length > 0) tell(current, eventOf(changes, CHANGES), now);
    if (others.length > 0) tell(others, eventOf(now), now);
    this.#last = now;
  }

  #left(reader: Reader): void {
    if (!this.#readers.delete(reader)) return;
    this.#watch.end();
    if (this.#readers.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#last = undefined;
  }
}

function tell(readers: readonly Reader[], event: Buffer, snapshot: Snapshot): void {
  for (const reader of readers) reader.send(event, snapshot);
}

function eventOf(snapshot: Snapshot, name?: string): Buffer {
  return Buffer.from(`${name === undefined ? '' : `event: ${name}\n`}data: ${JSON.stringify(snapshot)}\n\n`);
}

/** One page or terminal that looks. */
class Reader {
  readonly #reply: Reply;
  readonly #mayLook: () => boolean;
  readonly #left: () => void;
  #isBehind = false;
  #has: Snapshot | undefined;

  constructor(reply: Reply, mayLook: () => boolean, left: () => void) {
    this.#reply = reply;
    this.#mayLook = mayLook;
    this.#left = left;
    reply.watch(this);
    reply.head(200, undefined, ['content-type', 'text/event-stream', 'x-accel-buffering', 'no']);
  }

  /** What it was sent last with the others; undefined where it has missed one since. */
  get has(): Snapshot | undefined {
    return this.#has;
  }

  /** An event after which it has `snapshot`. A reader that has not read the last one yet misses this one. */
  send(event: Buffer, snapshot?: Snapshot): void {
    if (!this.#mayLook()) {
      this.end();
      return;
    }
    this.#has = undefined;
    if (this.#isBehind || this.#reply.ended) return;
    this.#has = snapshot;
    this.#isBehind = !this.#reply.write(event);
    if (this.#isBehind) this.#reply.whenDrained(() => this.#drained());
  }

  cut(): void {
    this.#reply.cut();
  }

  /** Its answer is whole: the client asks anew, and is told why it may not. */
  end(): void {
    this.#reply.end();
    this.#left();
  }

  clientLeft(): void {
    this.#left();
  }

  #drained(): void {
    this.#isBehind = false;
  }
}
