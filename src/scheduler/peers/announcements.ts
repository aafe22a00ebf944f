import { RouterError } from '../../errors/errors.ts';
import type { Reply } from '../../http/edge/reply.ts';
import type { ChoiceTeller, SharedChoice } from '../policies/shared-choice.ts';
import { chosenLine, computedLine, GREETING, settledLine } from './notice.ts';

/** Time between two heartbeats; a follower that misses some takes the connection for dead. */
export const HEARTBEAT_MS = 2_000;
/** Bytes that a follower may be behind before it is cut and begins anew. */
const MOST_BEHIND_BYTES = 8 * 1024 * 1024;
/** Time in which notices are collected: a write to each follower costs 10 µs and more. */
const TOGETHER_MS = 1;
/** Most followers: each costs a write for every request. */
const MOST_FOLLOWERS = 64;

/** Tells other routers of the choices made here, each on a long answer to its request. */
export class Announcements implements ChoiceTeller {
  readonly #followers = new Set<Follower>();
  #next = 0;
  #lines = '';
  #due = false;
  #sentMs = 0;
  #heartbeat: NodeJS.Timeout | undefined;

  get isHeard(): boolean {
    return this.#followers.size > 0;
  }

  /** Answers a request for them, until the client leaves. Throws a RouterError where too many follow already. */
  follow(reply: Reply): void {
    if (this.#followers.size >= MOST_FOLLOWERS) {
      throw new RouterError('too_many_connections', `expected at most ${MOST_FOLLOWERS} routers that follow this one`);
    }
    // Earlier notices are sent first: a new follower cannot use them.
    this.#send();
    const follower = new Follower(reply, () => this.#left(follower));
    this.#followers.add(follower);
    this.#heartbeat ??= setInterval(() => this.#add('\n'), HEARTBEAT_MS).unref();
  }

  chosen(choice: SharedChoice): number {
    this.#next++;
    this.#add(chosenLine(this.#next, choice));
    return this.#next;
  }

  computed(number: number): void {
    if (this.isHeard) this.#add(computedLine(number));
  }

  settled(number: number, surplusTokens: number): void {
    if (this.isHeard) this.#add(settledLine(number, surplusTokens));
  }

  close(): void {
    clearInterval(this.#heartbeat);
    for (const { reply } of this.#followers) reply.cut();
    this.#followers.clear();
  }

  /** Collects lines for a millisecond and sends them together, as one turn of the event loop may bring a hundred. */
  #add(line: string): void {
    this.#lines += line;
    if (performance.now() - this.#sentMs >= TOGETHER_MS) {
      this.#send();
      return;
    }
    if (this.#due) return;
    this.#due = true;
    setImmediate(() => {
      this.#due = false;
      this.#send();
    });
  }

  #send(): void {
    this.#sentMs = performance.now();
    const bytes = Buffer.from(this.#lines, 'latin1');
    this.#lines = '';
    for (const follower of this.#followers) follower.send(bytes);
  }

  #left(follower: Follower): void {
    this.#followers.delete(follower);
    if (this.#followers.size > 0) return;
    clearInterval(this.#heartbeat);
    this.#heartbeat = undefined;
  }
}

/** One router that listens. */
class Follower {
  readonly reply: Reply;
  readonly #left: () => void;
  /** Bytes to write once the follower has read what was sent. */
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #isBehind = false;

  constructor(reply: Reply, left: () => void) {
    this.reply = reply;
    this.#left = left;
    reply.watch(this);
    reply.head(200, undefined, ['content-type', 'text/plain; charset=latin1']);
    this.send(Buffer.from(`${GREETING}\n`));
  }

  send(bytes: Buffer): void {
    if (bytes.length === 0 || this.reply.ended) return;
    if (!this.#isBehind) {
      this.#isBehind = !this.reply.write(bytes);
      if (this.#isBehind) this.reply.whenDrained(() => this.#drained());
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes > MOST_BEHIND_BYTES) this.#cut();
  }

  clientLeft(): void {
    this.#left();
  }

  #drained(): void {
    this.#isBehind = false;
    const bytes = Buffer.concat(this.#waiting.splice(0));
    this.#waitingBytes = 0;
    this.send(bytes);
  }

  #cut(): void {
    this.#waiting.length = 0;
    this.reply.cut();
    this.#left();
  }
}
